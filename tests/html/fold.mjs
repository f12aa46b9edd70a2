// SPDX-License-Identifier: MIT
// The page of `pagewalk lab fold --html` in a browser. The test steps through all walks with keys and buttons, and
// compares each panel at each turn with the tool's JSON. The mark of a pointer that left its table must appear at
// its step, and not before.
//
// usage: run.sh fold.mjs PAGEWALK [FOLDER]     with a FOLDER, the test leaves screenshots there
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {pathToFileURL} from "node:url";
import {PATIENCE, withBrowser} from "./browser.mjs";

const [tool, shots] = process.argv.slice(2);

const mail = ["--format", "s390x", "--levels", "3", "0x1007ffff000-0x10080000fff"];
const cases = [
	{name: "two", arguments: [...mail, "--strategy", "a,d"], left: {a: 6}},
	{name: "five", arguments: mail, left: {a: 6}},
	{name: "lucky", arguments: [...mail, "--strategy", "a", "--neighbour", "none"], left: {a: 6}},
	{name: "pagewalk", arguments: [...mail, "--walk", "pagewalk", "--strategy", "a,c"], left: {}},
	{name: "two-levels", arguments: ["--format", "s390x", "--levels", "2", "0x6ff000-0x700fff"], left: {a: 6}},
	{name: "four-levels", arguments: ["--format", "s390x", "--levels", "4", "0x1bfffffff000-0x1c0000000fff"],
		left: {a: 6}},
	{name: "arm64", arguments: ["--format", "arm64_16k_47", "0x123456788000"], left: {a: 3, b: 3, c: 3}},
	{name: "x86", arguments: ["--format", "x86_64", "--strategy", "a,d", "0x7ffffff000-0x8000000fff"], left: {}},
];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pagewalk-fold-"));

function fold(...what) {
	return execFileSync(tool, ["lab", "fold", ...what], {encoding: "utf8", stdio: "pipe"});
}

// The content of each panel at this moment, as a person would see it.
function shown(page) {
	return page.evaluate(() => {
		const visible = (element) => {
			const style = element && getComputedStyle(element);
			return Boolean(element) && style.visibility === "visible" && style.display !== "none";
		};
		return {
			step: Number(document.body.dataset.step),
			position: document.getElementById("position").textContent,
			said: document.getElementById("said").textContent,
			panels: [...document.querySelectorAll(".panel")].map((section) => {
				const seen = [...section.querySelectorAll("ol.turns > li")].filter(visible);
				return {
					name: section.dataset.strategy,
					count: seen.length,
					data: {...seen[0].dataset},
					text: seen[0].textContent,
					drawn: section.querySelectorAll(".picture .step").length,
					lit: [...section.querySelectorAll(".picture .step.current")].map((g) => Number(g.dataset.step)),
					bright: [...section.querySelectorAll(".picture .step")].filter((g) =>
						Number(getComputedStyle(g).opacity) > 0.5 || g.classList.contains("past") ||
						g.classList.contains("current")).map((g) => Number(g.dataset.step)),
					flag: visible(section.querySelector(".flag")),
					flagText: section.querySelector(".flag")?.textContent ?? null,
					alarmed: section.classList.contains("alarmed"),
				};
			}),
		};
	});
}

// Compares one panel at one step with its walk.
function compare(panel, walk, number, left) {
	const steps = walk.steps, last = steps.length + 1, at = Math.min(number, last);

	assert.equal(panel.name, walk.strategy);
	assert.equal(panel.count, 1, "one step is to be read, no more");
	assert.ok(panel.lit.every((n) => n === at), "another step is lit in the picture");
	assert.ok(panel.bright.every((n) => n <= at), "what is still to come is drawn as if it had been");
	// The mark is there from that moment on, not earlier: as a word, and in the picture.
	assert.equal(panel.flag, left !== undefined && at >= left, `step ${number}: the mark of ${walk.strategy}`);
	assert.equal(panel.alarmed, panel.flag);
	if (at === 0)
		return assert.equal(panel.data.kind, "start");
	assert.ok(panel.lit.length > 0, "the step is not lit in the picture");
	if (at === last) {
		assert.equal(panel.data.kind, "result");
		return assert.equal(panel.text, walk.verdict);
	}
	const step = steps[at - 1];
	assert.equal(panel.data.level, step.level);
	assert.equal(Number(panel.data.turn), step.turn);
	assert.equal(panel.data.turns, "1");
	for (const name of ["first", "last", "where", "value"])
		assert.equal(panel.data[name], step[name]);
	assert.equal(Number(panel.data.index), step.index);
	assert.equal(panel.data.place, step.read);
	for (const name of ["folded", "departed", "broken"])
		assert.equal(panel.data[name] === "yes", step[name]);
	// The sentence agrees.
	assert.ok(panel.text.startsWith(`${step.level}, turn ${step.turn}: reads the ${step.read} = ${step.value}.`), panel.text);
	assert.equal(panel.text.includes("NO TABLE"), step.departed);
	assert.equal(panel.text.includes("the entry is passed on"), step.folded);
	if (panel.data.va) {
		const found = walk.pages.find((p) => p.va === panel.data.va);
		assert.equal(panel.data.pa, found.pa);
		assert.equal(panel.data.mappedAt, found.mapped_at);
		assert.equal(panel.text.includes("WRONG: the oracle has"), found.va !== found.mapped_at);
		assert.ok(panel.text.includes(found.pa));
	}
}

function compareAll(seen, walks, number, last, left) {
	assert.equal(seen.step, number);
	assert.equal(seen.position, `Step ${number} of ${last}`);
	assert.equal(seen.panels.length, walks.length);
	seen.panels.forEach((panel, i) => compare(panel, walks[i], number, left[panel.name]));
}

async function stepThrough(page, walks, left) {
	const last = Math.max(...walks.map((walk) => walk.steps.length + 1));

	whole(await shown(page), walks, left);
	await page.keyboard.press("ArrowRight");
	compareAll(await shown(page), walks, 0, last, left);
	for (let n = 1; n <= last; n++) {
		await page.keyboard.press("ArrowRight");
		const seen = await shown(page);
		compareAll(seen, walks, n, last, left);
		assert.ok(seen.said.startsWith(`Step ${n} of ${last}. `), "the step is not announced");
	}
	await page.keyboard.press("ArrowRight");
	assert.equal((await shown(page)).step, last, "went past the end");
	await page.keyboard.press("ArrowLeft");
	compareAll(await shown(page), walks, last - 1, last, left);
	await page.keyboard.press("Home");
	compareAll(await shown(page), walks, 0, last, left);
	await page.keyboard.press("End");
	compareAll(await shown(page), walks, last, last, left);
	await page.click("#first");
	await page.click("#next");
	compareAll(await shown(page), walks, 1, last, left);
	await page.click("#last");
	await page.click("#back");
	compareAll(await shown(page), walks, last - 1, last, left);
	await page.keyboard.press("Escape");
	whole(await shown(page), walks, left);
	await page.click("#next");
	await page.click("#all");
	whole(await shown(page), walks, left);
}

// As the page opens: nothing is faint, and each panel says its result.
function whole(seen, walks, left) {
	assert.equal(seen.step, -1);
	assert.equal(seen.position, "The whole walks");
	seen.panels.forEach((panel, i) => {
		assert.equal(panel.count, 1);
		assert.equal(panel.text, walks[i].verdict);
		assert.deepEqual(panel.lit, []);
		assert.equal(panel.bright.length, panel.drawn, "a part of the picture is faint");
		assert.equal(panel.alarmed, left[panel.name] !== undefined);
	});
}

// One walk moves; the others stay where they are.
async function stepOne(page, walks, left) {
	const mover = walks[walks.length - 1];

	await page.click(".which button[data-which='']");
	await page.click("#first");
	await page.click(`.which button[data-which='${mover.strategy}']`);
	for (let n = 1; n <= mover.steps.length + 1; n++) {
		await page.keyboard.press("ArrowRight");
		const seen = await shown(page);
		assert.equal(seen.position, `Step ${n} of ${mover.steps.length + 1}`);
		seen.panels.forEach((panel, i) =>
			compare(panel, walks[i], walks[i] === mover ? n : 0, left[panel.name]));
	}
	await page.click(".which button[data-which='']");
}

// Text may overlap bars and boxes, but no other text.
async function overlaps(page) {
	return page.evaluate(() => {
		const found = [];
		for (const svg of document.querySelectorAll(".picture svg, .legend svg")) {
			const boxes = [...svg.querySelectorAll("text")].map((t) => ({text: t.textContent, box: t.getBoundingClientRect()}));
			const frame = svg.getBoundingClientRect();
			boxes.forEach((a, i) => {
				if (a.box.right > frame.right + 1 || a.box.left < frame.left - 1)
					found.push(`${a.text} (leaves the picture)`);
				for (const b of boxes.slice(i + 1)) {
					const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
					const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
					// The distance of lines is a little less than the height of their letters' boxes.
					if (wide > 1 && high > a.box.height * 0.3)
						found.push(`${a.text} | ${b.text}`);
				}
			});
		}
		return found;
	});
}

async function screenshots(page, what, walks, scheme, width) {
	const left = Math.min(...Object.values(what.left), 6);

	await page.keyboard.press("Home");
	for (let n = 0; n < left; n++)
		await page.keyboard.press("ArrowRight");
	await page.waitForTimeout(300);
	await page.screenshot({path: path.join(shots, `fold-${what.name}-${scheme}-${width}.png`), fullPage: true,
		timeout: PATIENCE});
}

async function tryCase(browser, what) {
	const file = path.join(folder, `${what.name}.html`);
	const walks = fold("--json", ...what.arguments).trim().split("\n").map((line) => JSON.parse(line));

	fold("--html", file, ...what.arguments);
	for (const walk of walks) {
		const departed = walk.steps.findIndex((step) => step.departed);
		assert.equal(departed < 0 ? undefined : departed + 1, what.left[walk.strategy], "where a pointer leaves its table");
	}
	for (const [scheme, width] of [["light", 1280], ["dark", 800], ["light", 390]]) {
		const page = await browser.newPage({colorScheme: scheme, viewport: {width, height: 800}, reducedMotion: "reduce"});
		const complaints = [], requests = [];

		page.setDefaultTimeout(PATIENCE);
		page.on("console", (message) => complaints.push(message.text()));
		page.on("pageerror", (error) => complaints.push(error.message));
		page.on("request", (request) => requests.push(request.url()));
		await page.goto(pathToFileURL(file).href);
		// Keys do not depend on scheme or width, so one full round is enough.
		if (width === 1280) {
			await stepThrough(page, walks, what.left);
			if (walks.length > 1)
				await stepOne(page, walks, what.left);
		}
		assert.deepEqual(await overlaps(page), []);
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true,
			"the page is wider than the window");
		if (shots)
			await screenshots(page, what, walks, scheme, width);
		assert.deepEqual(complaints, []);
		assert.deepEqual(requests.filter((url) => !url.startsWith("data:")), [pathToFileURL(file).href]);
		await page.close();
	}
	console.log(`${what.name}: ${walks.length} walks agree with the tool's JSON`);
}

// A click on the drawing of a turn goes to that turn; the flag says which turn it was.
async function clicks(browser) {
	const page = await browser.newPage({viewport: {width: 1280, height: 1000}});

	page.setDefaultTimeout(PATIENCE);
	await page.goto(pathToFileURL(path.join(folder, "two.html")).href);
	await page.locator(".panel[data-strategy='a'] .picture .step.departed text").first().click();
	const seen = await shown(page);
	assert.equal(seen.step, 6);
	assert.equal(seen.panels[0].data.departed, "yes");
	assert.equal(seen.panels[0].flagText, "Left its table at step 6: pud, turn 2.");
	await page.goto(pathToFileURL(path.join(folder, "two.html")).href + "#step-3");
	await page.reload();
	assert.equal((await shown(page)).step, 3);
	await page.close();
}

// Without its script the page is still complete: the whole picture, every sentence, every mark.
async function withoutScript(browser) {
	const context = await browser.newContext({javaScriptEnabled: false});
	const page = await context.newPage();

	page.setDefaultTimeout(PATIENCE);
	await page.goto(pathToFileURL(path.join(folder, "two.html")).href);
	const sentences = page.locator("ol.turns > li");
	assert.ok(await sentences.count() > 16);
	for (let i = 0; i < await sentences.count(); i++)
		assert.ok(await sentences.nth(i).isVisible());
	assert.ok(await page.locator(".flag").isVisible());
	assert.equal(await page.locator(".controls").isVisible(), false);
	for (const step of await page.locator(".picture .step").all())
		assert.equal(await step.evaluate((g) => getComputedStyle(g).opacity), "1");
	await context.close();
}

await withBrowser(folder, shots, async (browser) => {
	for (const what of cases)
		await tryCase(browser, what);
	await clicks(browser);
	await withoutScript(browser);
});

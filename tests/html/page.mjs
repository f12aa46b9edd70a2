// SPDX-License-Identifier: MIT
// The page of `pagewalk explain --html` in a browser. The test steps through it with keys and buttons, and compares
// the values that it shows with the tool's JSON. The page must not print errors and must not use the network.
//
// usage: run.sh page.mjs PAGEWALK [FOLDER]     with a FOLDER, the test leaves screenshots there
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {pathToFileURL} from "node:url";
import {PATIENCE, SMALLEST, withBrowser} from "./browser.mjs";

const [tool, shots] = process.argv.slice(2);

const straddle = ["--root", "0x28341c7", "sample:s390x"];
const cases = [
	{name: "address", arguments: [...straddle, "0x7ffff123"], status: 0},
	{name: "hole", arguments: [...straddle, "0x2700000000"], status: 1},
	{name: "above", arguments: [...straddle, "0x40000000000"], status: 1},
	{name: "range", arguments: [...straddle, "0x7fffe000-0x80002fff"], status: 0},
	{name: "five-levels", arguments: ["sample:x86_64_la57", "0x401234"], status: 0},
];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pagewalk-html-"));

function explain(...what) {
	try {
		return {status: 0, text: execFileSync(tool, ["explain", ...what], {encoding: "utf8", stdio: "pipe"})};
	} catch (error) {
		return {status: error.status, text: error.stdout};
	}
}

// The content of the page's current step, as a person would read it.
function shown(page) {
	return page.evaluate(() => {
		const current = document.querySelectorAll("ol.steps > li.current");
		const li = current[0];
		const text = (selector) => li.querySelector(selector)?.textContent ?? null;
		return {
			count: current.length,
			number: Number(document.body.dataset.step),
			position: document.getElementById("position").textContent,
			visible: [...document.querySelectorAll(".detail")].filter((d) => d.offsetParent !== null).length,
			lit: [...document.querySelectorAll(".picture .step.current")].map((g) => Number(g.dataset.step)),
			data: {...li.dataset},
			value: text(".head .m"),
			at: text(".detail .at"),
			flags: text(".detail .flags"),
			prot: text(".detail .prot"),
			why: text(".detail .why"),
			said: document.getElementById("said").textContent,
			pressed: {
				first: document.getElementById("first").disabled,
				back: document.getElementById("back").disabled,
				next: document.getElementById("next").disabled,
				last: document.getElementById("last").disabled,
			},
		};
	});
}

// Compares one step of the page with the same step of the JSON.
function compare(seen, step, number, last) {
	assert.equal(seen.count, 1);
	assert.equal(seen.visible, 1, "one step's details are to be seen, no more");
	assert.equal(seen.number, number);
	assert.equal(seen.position, `Step ${number} of ${last}`);
	assert.ok(seen.lit.every((n) => n === number), "another step is lit in the picture");
	if (number === 0 || number === last)
		return;
	assert.ok(seen.lit.length > 0, "the step is not lit in the picture");
	assert.equal(seen.data.level, step.level);
	assert.equal(Number(seen.data.index), step.index);
	assert.equal(seen.data.table, step.table);
	assert.equal(seen.data.at, step.at);
	assert.equal(seen.at, step.at);
	assert.equal(seen.data.kind, step.kind);
	assert.equal(seen.data.next ?? null, step.next ?? null);
	assert.equal(seen.data.prot ?? null, step.prot ?? null);
	assert.equal(seen.prot, step.prot ?? null);
	assert.equal(seen.data.first, step.first);
	assert.equal(seen.data.last, step.last);
	if (step.entry) {
		assert.equal(seen.data.entry, step.entry);
		assert.equal(BigInt(seen.value), BigInt(step.entry));
		assert.equal(seen.data.flags, step.flags.join(" "));
		assert.equal(seen.flags ?? "", step.flags.join(" "));
	}
}

function compareResult(seen, result) {
	assert.equal(seen.data.kind, "result");
	assert.equal(seen.why, result.why);
	if (result.leaves === undefined) {
		assert.equal(seen.data.status, result.status);
		assert.equal(seen.data.va, result.va);
		assert.equal(seen.data.pa ?? null, result.pa ?? null);
		assert.equal(seen.data.prot ?? null, result.prot ?? null);
	} else {
		assert.equal(Number(seen.data.leaves), result.leaves);
		assert.equal(Number(seen.data.holes), result.holes);
	}
}

// Forward by key, back by key, and each button once.
async function stepThrough(page, steps, result) {
	const last = steps.length + 1;

	await whole(page, result);
	await page.keyboard.press("ArrowRight");
	compare(await shown(page), null, 0, last);
	assert.deepEqual((await shown(page)).pressed, {first: true, back: true, next: false, last: false});
	for (let n = 1; n <= last; n++) {
		await page.keyboard.press("ArrowRight");
		const seen = await shown(page);
		compare(seen, steps[n - 1], n, last);
		assert.ok(seen.said.startsWith(`Step ${n} of ${last}. `), "the step is not announced");
	}
	compareResult(await shown(page), result);
	assert.deepEqual((await shown(page)).pressed, {first: false, back: false, next: true, last: true});
	await page.keyboard.press("ArrowRight");
	assert.equal((await shown(page)).number, last, "went past the end");
	for (let n = last - 1; n >= 0; n--) {
		await page.keyboard.press("ArrowLeft");
		compare(await shown(page), steps[n - 1], n, last);
	}
	await page.keyboard.press("ArrowLeft");
	assert.equal((await shown(page)).number, 0, "went before the beginning");
	await page.keyboard.press("End");
	assert.equal((await shown(page)).number, last);
	await page.keyboard.press("Home");
	assert.equal((await shown(page)).number, 0);
	await page.keyboard.press("Control+ArrowRight");
	assert.equal((await shown(page)).number, 0, "a key with a modifier is the browser's");
	await page.click("#last");
	assert.equal((await shown(page)).number, last);
	await page.click("#first");
	assert.equal((await shown(page)).number, 0);
	await page.click("#next");
	assert.equal((await shown(page)).number, 1);
	await page.click("#back");
	assert.equal((await shown(page)).number, 0);
	await page.click(`#step-${last} .head`);
	assert.equal((await shown(page)).number, last);
	await page.keyboard.press("Escape");
	await whole(page, result);
	await page.click("#last");
	await page.click("#all");
	await whole(page, result);
}

// As the page opens: the whole picture, in full colour and within the window, or in a box that scrolls in a narrow one; its
// letters can be read; and the result's text.
async function whole(page, result) {
	const seen = await shown(page);
	const picture = await page.evaluate(() => {
		const svg = document.querySelector(".picture svg").getBoundingClientRect();
		const frame = document.querySelector(".picture");

		return {
			faint: [...document.querySelectorAll(".picture .step")].filter((g) => {
				g.getAnimations().forEach((animation) => animation.finish());
				return Number(getComputedStyle(g).opacity) < 1;
			}).length,
			clipped: innerWidth > 1250 ? frame.scrollWidth > frame.clientWidth + 1 || svg.right > innerWidth :
				frame.scrollWidth < Math.floor(svg.width) || getComputedStyle(frame).overflowX !== "auto",
			tiny: smallest(document.querySelector(".picture svg")) < 8.5,
		};
	});

	assert.deepEqual(picture, {faint: 0, clipped: false, tiny: false});
	assert.equal(seen.number, -1);
	assert.equal(seen.position, "The whole walk");
	assert.equal(seen.visible, 1);
	assert.deepEqual(seen.lit, []);
	compareResult(seen, result);
	assert.deepEqual(seen.pressed, {first: false, back: true, next: false, last: false});
}

// By keyboard alone: the focus is visible, and is not lost at the ends.
async function focus(page) {
	await page.keyboard.press("Home");
	await page.focus("#next");
	const outline = await page.evaluate(() => {
		document.getElementById("next").focus({focusVisible: true});
		return getComputedStyle(document.activeElement).outlineStyle;
	});
	assert.equal(outline, "solid");
	for (let n = Number(await page.evaluate(() => document.querySelectorAll("ol.steps > li").length)); n > 1; n--)
		await page.keyboard.press("Enter");
	assert.equal(await page.evaluate(() => document.activeElement.id), "back");
}

// The contrast of text with its background, in the page's current scheme.
async function contrast(page) {
	const worst = await page.evaluate(() => {
		const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
		const light = (colour) => {
			canvas.fillStyle = colour;
			canvas.fillRect(0, 0, 1, 1);
			const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((c) => {
				c /= 255;
				return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
			});
			return 0.2126 * r + 0.7152 * g + 0.0722 * b;
		};
		const style = getComputedStyle(document.body);
		const colours = ["--fg", "--dim", "--good", "--bad"].map((name) => light(style.getPropertyValue(name)));
		const grounds = ["--bg", "--box"].map((name) => light(style.getPropertyValue(name)));
		return Math.min(...colours.flatMap((c) => grounds.map((g) =>
			(Math.max(c, g) + 0.05) / (Math.min(c, g) + 0.05))));
	});
	assert.ok(worst >= 4.5, `contrast of only ${worst.toFixed(2)}`);
}

async function tryCase(browser, what) {
	const file = path.join(folder, `${what.name}.html`);
	const drawn = explain("--html", file, ...what.arguments);
	const [result, ...reversed] = explain("--json", ...what.arguments).text.trim().split("\n").map((line) =>
		JSON.parse(line)).reverse();
	const steps = reversed.reverse();

	assert.equal(drawn.status, what.status);
	for (const scheme of ["light", "dark"])
		for (const width of [1300, 390]) {
			const page = await browser.newPage({colorScheme: scheme, viewport: {width, height: 800}});
			const complaints = [], requests = [];

			page.setDefaultTimeout(PATIENCE);
			await page.addInitScript(SMALLEST);
			page.on("console", (message) => complaints.push(message.text()));
			page.on("pageerror", (error) => complaints.push(error.message));
			page.on("request", (request) => requests.push(request.url()));
			await page.goto(pathToFileURL(file).href);
			// Keys do not depend on scheme or width, so one full round is enough.
			if (scheme === "light" || width === 390)
				await stepThrough(page, steps, result);
			await focus(page);
			await contrast(page);
			assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true,
				"the page is wider than the window");
			if (shots) {
				await page.keyboard.press("Home");
				for (let n = 0; n < Math.min(3, steps.length); n++)
					await page.keyboard.press("ArrowRight");
				await page.waitForTimeout(300);
				await page.screenshot({path: path.join(shots, `${what.name}-${scheme}-${width}.png`), timeout: PATIENCE});
			}
			assert.deepEqual(complaints, []);
			assert.deepEqual(requests.filter((url) => !url.startsWith("data:")), [pathToFileURL(file).href]);
			await page.close();
		}
	await onPaper(browser, file);
	console.log(`${what.name}: ${steps.length} steps agree with the tool's JSON`);
}

// Printed, in either orientation: all details, one below the other, and the whole picture.
async function onPaper(browser, file) {
	for (const [width, height] of [[794, 1123], [1123, 794]]) {
		const page = await browser.newPage({viewport: {width, height}});

		page.setDefaultTimeout(PATIENCE);
		await page.goto(pathToFileURL(file).href);
		await page.keyboard.press("ArrowRight");
		await page.emulateMedia({media: "print"});
		const found = await page.evaluate(() => {
			const boxes = [...document.querySelectorAll("ol.steps > li > *")].map((e) => e.getBoundingClientRect());
			const picture = document.querySelector(".picture");
			return {
				hidden: boxes.filter((box) => box.height === 0).length,
				overlaps: boxes.slice(1).filter((box, i) => box.top < boxes[i].bottom - 1).length,
				clipped: picture.scrollHeight > picture.clientHeight + 1 && getComputedStyle(picture).overflowY !== "visible",
				wide: document.querySelector(".picture svg").getBoundingClientRect().right > innerWidth,
				controls: document.querySelector(".controls").getBoundingClientRect().height,
			};
		});
		assert.deepEqual(found, {hidden: 0, overlaps: 0, clipped: false, wide: false, controls: 0}, `printed ${width} wide`);
		await page.close();
	}
}

// Without its script the page is still complete.
async function withoutScript(browser) {
	const context = await browser.newContext({javaScriptEnabled: false});
	const page = await context.newPage();

	page.setDefaultTimeout(PATIENCE);
	await page.goto(pathToFileURL(path.join(folder, "address.html")).href);
	const details = page.locator(".detail");
	for (let i = 0; i < await details.count(); i++)
		assert.ok(await details.nth(i).isVisible());
	assert.equal(await page.locator(".controls").isVisible(), false);
	await context.close();
}

// #step-N opens the page at that step.
async function link(browser) {
	const page = await browser.newPage();

	page.setDefaultTimeout(PATIENCE);
	await page.goto(pathToFileURL(path.join(folder, "address.html")).href + "#step-2");
	assert.equal((await shown(page)).number, 2);
	await page.close();
}

await withBrowser(folder, shots, async (browser) => {
	for (const what of cases)
		await tryCase(browser, what);
	await withoutScript(browser);
	await link(browser);
});

// SPDX-License-Identifier: MIT
// The page of a finding in a browser. At first the whole run is visible; keys and buttons step through it, and the
// table beside it has the values of the shared words as they were then.
//
// usage: run.sh race.mjs PROGRAM [FOLDER]     PROGRAM is built from tests/race/pictures.c;
//                                             with a FOLDER, the test leaves screenshots there
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {pathToFileURL} from "node:url";
import {PATIENCE, withBrowser} from "./browser.mjs";

const [program, shots] = process.argv.slice(2);

// Of each moment: the lane that is lit, and what the tables say.
const start = "since the start";
const cases = [
	{name: "SB", model: "tso", lanes: 2, decisive: 4, moments: [
		{lane: null, rows: [["y", "0", start], ["x", "0", start]]},
		{lane: "left", rows: [["y", "0", start], ["x", "0left has 1 in its buffer", start]]},
		{lane: "left", rows: [["y", "0", start], ["x", "0left has 1 in its buffer", start]]},
		{lane: "right", rows: [["y", "1 (was 0)", "right, step 2"], ["x", "0left has 1 in its buffer", start]]},
		{lane: "right", rows: [["y", "1", "right, step 2"], ["x", "0left has 1 in its buffer", start]]},
		{lane: "left", rows: [["y", "1", "right, step 2"], ["x", "1 (was 0)", "left, step 4"]]},
		{lane: null, rows: [["y", "1", "right, step 2"], ["x", "1", "left, step 4"]]},
	]},
	{name: "stale-entry", model: "sc", lanes: 2, decisive: 3, moments: [
		{lane: null, rows: [["pte[3]", "frame 8", start], ["count of folio 8", "1", start],
			["pte[3] of the table at 0x5000", "leaf of frame 8"], ["folio 8", "count 1"]]},
		{lane: "pin", rows: [["pte[3]", "frame 8", start], ["count of folio 8", "1", start],
			["pte[3] of the table at 0x5000", "leaf of frame 8"], ["folio 8", "count 1"]]},
		{lane: "unmap", rows: [["pte[3]", "empty (was frame 8)", "unmap, step 2"], ["count of folio 8", "1", start],
			["pte[3] of the table at 0x5000", "empty (was leaf of frame 8)"], ["folio 8", "count 1"]]},
		{lane: "unmap", rows: [["pte[3]", "empty", "unmap, step 2"], ["count of folio 8", "0 (was 1)", "unmap, step 3"],
			["pte[3] of the table at 0x5000", "empty"], ["folio 8", "count 0: free (was count 1)"]]},
		{lane: "pin", rows: [["pte[3]", "empty", "unmap, step 2"], ["count of folio 8", "1 (was 0)", "pin, step 4"],
			["pte[3] of the table at 0x5000", "empty"], ["folio 8", "count 1 (was count 0: free)"]]},
		{lane: null, rows: [["pte[3]", "empty", "unmap, step 2"], ["count of folio 8", "1", "pin, step 4"],
			["pte[3] of the table at 0x5000", "empty"], ["folio 8", "count 1"]]},
	]},
	{name: "lost-update", model: "sc", lanes: 2, decisive: 2, moments: null},
	{name: "three-locks", model: "sc", lanes: 3, decisive: 3, moments: null},
];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pagewalk-race-"));

function draw(what) {
	const file = path.join(folder, `${what.name}.html`);

	// The program's status says that it has found something.
	assert.throws(() => execFileSync(program, [what.name, "--model", what.model, "--html", file], {stdio: "pipe"}),
		(error) => error.status === 1);
	return pathToFileURL(file).href;
}

// What a person would see at this moment.
function shown(page) {
	return page.evaluate(() => {
		const visible = (element) => element.getClientRects().length > 0;
		const text = (element) => element.textContent.replace(/\s+/g, " ").trim();
		const moments = [...document.querySelectorAll(".moment")].filter(visible);
		const faint = (li) => [...li.querySelectorAll(".box > *")].some((part) => Number(getComputedStyle(part).opacity) < 1);
		const steps = [...document.querySelectorAll("ol.run > li.step")];
		return {
			step: Number(document.body.dataset.step),
			position: document.getElementById("position").textContent,
			said: document.getElementById("said").textContent,
			moments: moments.length,
			rows: [...moments[0].querySelectorAll("tbody tr")].map((tr) => [...tr.cells].map(text)),
			lanes: [...document.querySelectorAll(".names > b.current")].map(text),
			current: steps.filter((li) => li.classList.contains("current")).map((li) => Number(li.dataset.n)),
			faint: steps.filter(faint).map((li) => Number(li.dataset.n)),
			steps: steps.filter(visible).map((li) => Number(li.dataset.n)),
		};
	});
}

function compare(seen, what, number, last) {
	assert.equal(seen.step, number);
	assert.equal(seen.moments, 1, "one moment is to be read, no more");
	assert.equal(seen.steps.length, last - 1, "all steps stay visible");
	assert.deepEqual(seen.current, number > 0 && number < last ? [number] : []);
	assert.deepEqual(seen.faint, number < 0 ? [] : seen.steps.filter((n) => n > number), "steps to come are faint, others not");
	if (!what.moments)
		return;
	const moment = what.moments[number < 0 ? last : number];
	assert.deepEqual(seen.rows, moment.rows, `the tables of ${what.name} at ${number}`);
	assert.deepEqual(seen.lanes, moment.lane ? [moment.lane] : []);
}

async function stepThrough(page, what) {
	const last = await page.locator(".moment").count() - 1;

	if (what.moments)
		assert.equal(last, what.moments.length - 1);
	compare(await shown(page), what, -1, last);
	for (let n = 0; n <= last; n++) {
		await page.keyboard.press("ArrowRight");
		const seen = await shown(page);
		compare(seen, what, n, last);
		assert.ok(seen.position.endsWith(` (${n} of ${last})`), seen.position);
		assert.ok(seen.said.startsWith(seen.position), "the step is not announced");
	}
	await page.keyboard.press("ArrowRight");
	assert.equal((await shown(page)).step, last, "went past the end");
	await page.keyboard.press("ArrowLeft");
	compare(await shown(page), what, last - 1, last);
	await page.keyboard.press("Home");
	compare(await shown(page), what, 0, last);
	await page.keyboard.press("ArrowLeft");
	compare(await shown(page), what, 0, last);
	await page.keyboard.press("End");
	compare(await shown(page), what, last, last);
	await page.keyboard.press("Escape");
	compare(await shown(page), what, -1, last);
	await page.click("#next");
	await page.click("#next");
	compare(await shown(page), what, 1, last);
	await page.click("#back");
	compare(await shown(page), what, 0, last);
	await page.click("#last");
	await page.click("#first");
	await page.click("#all");
	compare(await shown(page), what, -1, last);
	// A click on a box goes there: here to the step that decides.
	await page.locator("li.decisive > .box").click();
	compare(await shown(page), what, what.decisive, last);
	assert.ok(await page.locator(".moment.current .decided").isVisible(), "the decision is explained beside its step");
}

// No text leaves the window, and none lies on another one.
async function fits(page, what) {
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true,
		`${what}: the page is wider than the window`);
	assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll("ol.run code, ol.run .src, ol.run .who, .controls button")]
		.filter((element) => element.getClientRects().length > 0)
		.filter((element) => element.getBoundingClientRect().right > innerWidth || element.scrollWidth > element.clientWidth + 1 &&
			getComputedStyle(element).display !== "inline")
		.map((element) => element.textContent)), [], `${what}: text is cut off`);
	const overlaps = await page.evaluate(() => {
		const boxes = [...document.querySelectorAll("ol.run .box, ol.run .src, ol.run .n, ol.run .interrupted")]
			.filter((element) => element.getClientRects().length > 0)
			.map((element) => ({text: element.textContent, box: element.getBoundingClientRect()}));
		return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
			Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1 &&
			Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 3).map((b) => `${a.text} | ${b.text}`));
	});
	assert.deepEqual(overlaps, [], what);
}

async function tryCase(browser, what) {
	const address = draw(what);

	for (const [scheme, width] of [["light", 1280], ["dark", 800], ["dark", 390], ["light", 390]]) {
		const page = await browser.newPage({colorScheme: scheme, viewport: {width, height: 800}, reducedMotion: "reduce"});
		const complaints = [], requests = [];

		page.setDefaultTimeout(PATIENCE);
		page.on("console", (message) => complaints.push(message.text()));
		page.on("pageerror", (error) => complaints.push(error.message));
		page.on("request", (request) => requests.push(request.url()));
		await page.goto(address);
		assert.equal(await page.locator(".names > b").count(), what.lanes);
		await fits(page, `${what.name}, ${width}`);
		if (shots)
			await page.screenshot({path: path.join(shots, `race-${what.name}-${scheme}-${width}.png`), fullPage: true});
		// Keys do not depend on the width; what lies beside the picture does.
		if (width !== 800)
			await stepThrough(page, what);
		else
			await page.locator("li.decisive > .box").click();
		await fits(page, `${what.name}, ${width}, stepping`);
		const box = await page.locator("li.current > .box").boundingBox();
		assert.ok(box.y >= 0 && box.y + box.height <= 800, "the step is out of sight");
		if (shots)
			await page.screenshot({path: path.join(shots, `race-${what.name}-${scheme}-${width}-step.png`)});
		assert.deepEqual(complaints, []);
		assert.deepEqual(requests.filter((url) => !url.startsWith("data:")), [address]);
		await page.close();
	}
	console.log(`${what.name}: the page shows each step`);
}

// On paper, and without its script, the page is still complete: every step, every moment.
async function complete(browser) {
	const address = pathToFileURL(path.join(folder, "SB.html")).href;
	const context = await browser.newContext({javaScriptEnabled: false});

	for (const paper of [false, true]) {
		const page = paper ? await browser.newPage() : await context.newPage();
		page.setDefaultTimeout(PATIENCE);
		await page.goto(address);
		if (paper) {
			await page.keyboard.press("Home");
			await page.emulateMedia({media: "print"});
		}
		for (const part of await page.locator(".moment, li.step > .box, .failure, .command").all())
			assert.ok(await part.isVisible());
		for (const part of await page.locator("li.step > .box > code").all())
			assert.equal(await part.evaluate((code) => getComputedStyle(code).opacity), "1");
		assert.equal(await page.locator(".moment").count(), 7);
		assert.equal(await page.locator(".controls").isVisible(), false);
	}
	await context.close();
}

// Folded steps can be unfolded; an address can name a step.
async function details(browser) {
	const page = await browser.newPage({viewport: {width: 1280, height: 900}});

	page.setDefaultTimeout(PATIENCE);
	await page.goto(pathToFileURL(path.join(folder, "lost-update.html")).href);
	assert.equal(await page.getByText("store last_round: 0 -> 1").isVisible(), false);
	await page.locator("li.folded summary").first().click();
	assert.ok(await page.getByText("store last_round: 0 -> 1").isVisible());
	await page.keyboard.press("ArrowRight");
	await page.keyboard.press("ArrowRight");
	await page.locator(".moment.current .stack summary").click();
	assert.deepEqual(await page.locator(".moment.current .stack li code").allTextContents(), ["get", "add_one", "ann"]);
	await page.goto(pathToFileURL(path.join(folder, "stale-entry.html")).href + "#step-2");
	assert.equal((await shown(page)).step, 2);
	await page.close();
}

await withBrowser(folder, shots, async (browser) => {
	for (const what of cases)
		await tryCase(browser, what);
	await complete(browser);
	await details(browser);
});

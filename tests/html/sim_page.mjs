// SPDX-License-Identifier: MIT
// The page of `pagewalk sim --html` in a browser: it opens with all steps, goes through them by keys and buttons, and
// prints all of them. The page must not print errors and must not use the network.
//
// usage: run.sh sim_page.mjs PAGEWALK [FOLDER]     with a FOLDER, the test leaves screenshots there
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {pathToFileURL} from "node:url";
import {PATIENCE, SMALLEST, withBrowser} from "./browser.mjs";

const [tool, shots] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pagewalk-html-"));

// What a person sees: the numbers of the steps, and which buttons do something.
function seen(page) {
	return page.evaluate(() => ({
		steps: [...document.querySelectorAll(".sim")].map((step, i) => step.offsetHeight > 0 ? i + 1 : 0).filter(Boolean),
		position: document.getElementById("position").textContent,
		live: ["first", "back", "next", "last", "all"].filter((name) => !document.getElementById(name).disabled),
		wide: document.documentElement.scrollWidth > innerWidth,
		tiny: [...document.querySelectorAll(".sim .picture svg")].filter((svg) => svg.clientWidth > 0 && smallest(svg) < 9).length,
	}));
}

async function open(browser, file, width, hash = "") {
	const page = await browser.newPage({viewport: {width, height: 800}});

	page.setDefaultTimeout(PATIENCE);
	await page.addInitScript(SMALLEST);
	page.complaints = [];
	page.on("console", (message) => page.complaints.push(message.text()));
	page.on("pageerror", (error) => page.complaints.push(error.message));
	page.on("request", (request) => request.url().startsWith("file:") || page.complaints.push(request.url()));
	await page.goto(pathToFileURL(file).href + hash);
	return page;
}

async function tryScript(browser, script) {
	const file = path.join(folder, `${script}.html`);
	execFileSync(tool, ["sim", "--html", file, script], {stdio: "pipe"});
	const count = fs.readFileSync(file, "utf8").split('<section class="sim">').length - 1;
	const all = {steps: Array.from({length: count}, (_, i) => i + 1), position: "The whole script",
		live: ["first", "next", "last"], wide: false, tiny: 0};
	const one = (n) => ({steps: [n], position: `Step ${n} of ${count}`, wide: false, tiny: 0,
		live: [...(n > 1 ? ["first", "back"] : []), ...(n < count ? ["next", "last"] : []), "all"]});

	assert.ok(count > 3);
	for (const width of [1280, 390]) {
		const page = await open(browser, file, width);

		assert.deepEqual(await seen(page), all);
		if (shots)
			await page.screenshot({path: path.join(shots, `${script}-${width}.png`), fullPage: true, timeout: PATIENCE});
		for (let n = 1; n <= count; n++) {
			await page.keyboard.press("ArrowRight");
			assert.deepEqual(await seen(page), one(n));
		}
		await page.keyboard.press("ArrowLeft");
		assert.deepEqual(await seen(page), one(count - 1));
		await page.click("#all");
		assert.deepEqual(await seen(page), all);
		await page.click("#last");
		assert.deepEqual(await seen(page), one(count));
		await page.click("#first");
		assert.deepEqual(await seen(page), one(1));
		await page.emulateMedia({media: "print"});
		assert.deepEqual((await seen(page)).steps, all.steps, "on paper");
		await page.emulateMedia({media: "screen"});
		await page.keyboard.press("Escape");
		assert.deepEqual(await seen(page), all);
		assert.deepEqual(page.complaints, []);
		await page.close();
	}
	const page = await open(browser, file, 1280, "#step-2");
	assert.deepEqual(await seen(page), one(2));
	await page.close();
	console.log(`${script}: ${count} steps`);
}

await withBrowser(folder, shots, async (browser) => {
	for (const script of ["fork-while-pinned", "swap-and-back"])
		await tryScript(browser, script);
});

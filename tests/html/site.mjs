// SPDX-License-Identifier: MIT
// The documentation site in a browser: every page opens at two widths, in light and dark, without complaints and without
// a network; what it loads is there; its text fits; and a reader gets from the first page to every other one.
//
// usage: run.sh site.mjs SOURCE [FOLDER]     with a FOLDER, the test leaves screenshots there
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";
import {PATIENCE, withBrowser} from "./browser.mjs";

const [source, shots] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pagewalk-site-"));
const site = path.join(folder, "site");
const SHOWN = ["index.html", "pinning.html", "pagewalk.1.html"];

// What is wrong with the page as it stands: text that sticks out, pictures that did not load.
function faults(page) {
	return page.evaluate(() => {
		const found = [];

		if (document.documentElement.scrollWidth > innerWidth)
			found.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
		for (const image of document.images)
			if (!image.complete || image.naturalWidth === 0)
				found.push(`no picture: ${image.getAttribute("src")}`);
			else if (image.clientWidth < 0.75 * image.naturalWidth)
				found.push(`a picture too small to read: ${image.getAttribute("src")}`);
		if (!document.querySelector("h1") || !document.title)
			found.push("no head or title");
		return found;
	});
}

async function open(browser, width, scheme) {
	const page = await browser.newPage({colorScheme: scheme, viewport: {width, height: 900}});
	const seen = {complaints: [], requests: []};

	page.setDefaultTimeout(PATIENCE);
	page.on("console", (message) => seen.complaints.push(message.text()));
	page.on("pageerror", (error) => seen.complaints.push(error.message));
	page.on("request", (request) => seen.requests.push(request.url()));
	return {page, seen};
}

async function visit(browser, width, scheme, names) {
	const {page, seen} = await open(browser, width, scheme);

	for (const name of names) {
		await page.goto(pathToFileURL(path.join(site, name)).href);
		assert.deepEqual(await faults(page), [], `${name} at ${width}`);
		if (shots && SHOWN.includes(name))
			await page.screenshot({path: path.join(shots, `${name}-${scheme}-${width}.png`), timeout: PATIENCE});
	}
	assert.deepEqual(seen.complaints, []);
	for (const url of seen.requests)
		assert.ok(url.startsWith("data:") || fileURLToPath(url).startsWith(site), `the site loads ${url}`);
	await page.close();
}

// By clicks, as a reader: from the first page to a document, and from there back.
async function follow(browser) {
	const {page} = await open(browser, 1280, "light");
	const first = pathToFileURL(path.join(site, "index.html")).href;

	await page.goto(first);
	for (const name of SHOWN.slice(1)) {
		await page.click(`a[href="${name}"]`);
		assert.ok(page.url().endsWith(`/${name}`), page.url());
		await page.click('a[href^="index.html"]');
		assert.ok(page.url().startsWith(first), page.url());
	}
	await page.close();
}

await withBrowser(folder, shots, async (browser) => {
	execFileSync("/usr/bin/python3", [path.join(source, "tools", "site.py"), source, site]);
	const names = fs.readdirSync(site).filter((name) => name.endsWith(".html"));

	assert.ok(names.length > 50, `${names.length} pages`);
	await visit(browser, 1280, "light", names);
	await visit(browser, 390, "light", names);
	await visit(browser, 1280, "dark", SHOWN);
	await follow(browser);
	console.log(`${names.length} pages open`);
});

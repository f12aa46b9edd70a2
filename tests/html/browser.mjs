// SPDX-License-Identifier: MIT
// The browser of the tests beside this file: Debian's chromium, by playwright-core from npm (run.sh says where).
import fs from "node:fs";
import {createRequire} from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.PLAYWRIGHT, "x.js"));
const {chromium} = require("playwright-core");

// Machines that run many tests at once are slow to start a browser.
export const PATIENCE = 120000;

// For pages under test: smallest(svg) is the size of its smallest letters in pixels of the window.
export const SMALLEST = `globalThis.smallest = (svg) => Math.min(...[...svg.querySelectorAll("text")].map((text) =>
	parseFloat(getComputedStyle(text).fontSize) * svg.getScreenCTM().a));`;

// Starts a browser, calls work(browser), ends it and removes @folder. Makes the folder for screenshots, if one is wanted.
export async function withBrowser(folder, shots, work) {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM,
		timeout: PATIENCE,
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync"],
	});
	try {
		if (shots)
			fs.mkdirSync(shots, {recursive: true});
		await work(browser);
	} finally {
		await browser.close();
		fs.rmSync(folder, {recursive: true});
	}
}

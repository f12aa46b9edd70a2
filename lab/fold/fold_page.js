// SPDX-License-Identifier: MIT
// Steps through the walks of all strategies at once, or of one. The page is complete without this: it only
// hides and shows. At the start the whole walks are visible, beside their results. A walk that has fewer steps than the others waits at its last.
(function () {
	"use strict";
	const panels = Array.from(document.querySelectorAll(".panel")).map((section) => ({
		section,
		name: section.dataset.strategy,
		turns: Array.from(section.querySelectorAll("ol.turns > li")),
		drawn: Array.from(section.querySelectorAll(".picture .step")),
		departure: Number(section.dataset.departure || Infinity),
		at: -1,   // the number of its step; -1: the whole walk
	}));
	const position = document.getElementById("position");
	const said = document.getElementById("said");
	const chosen = Array.from(document.querySelectorAll(".which button"));
	const button = {};
	for (const name of ["first", "back", "next", "last", "all"])
		button[name] = document.getElementById(name);
	let which = "";

	const moving = () => panels.filter((panel) => which === "" || panel.name === which);
	const last = () => Math.max(...moving().map((panel) => panel.turns.length - 1));
	const current = () => Math.max(...moving().map((panel) => panel.at));

	function show(panel) {
		const whole = panel.at < 0, told = whole ? panel.turns.length - 1 : panel.at;

		panel.section.classList.toggle("stepping", !whole);
		panel.turns.forEach((li, i) => li.classList.toggle("current", i === told));
		panel.drawn.forEach((g) => {
			const n = Number(g.dataset.step);
			g.classList.toggle("current", n === panel.at);
			g.classList.toggle("past", n < panel.at);
		});
		panel.section.dataset.step = String(panel.at);
		panel.section.classList.toggle("alarmed", told >= panel.departure);
		panel.section.classList.toggle("waiting", which !== "" && panel.name !== which);
	}

	function go(number, quiet) {
		number = Math.max(-1, Math.min(last(), number));
		for (const panel of moving())
			panel.at = Math.min(number, panel.turns.length - 1);
		panels.forEach(show);
		document.body.dataset.step = String(number);
		position.textContent = number < 0 ? "The whole walks" : "Step " + number + " of " + last();
		// Disabling the focused button would lose the focus: hand it to its opposite.
		const atFirst = number === 0, atLast = number === last();
		const focused = document.activeElement;
		button.first.disabled = atFirst;
		button.back.disabled = number <= 0;
		button.next.disabled = button.last.disabled = atLast;
		button.all.disabled = number < 0;
		if (number < 0 && focused === button.all)
			button.next.focus();
		if (atFirst && (focused === button.first || focused === button.back))
			button.next.focus();
		if (atLast && (focused === button.last || focused === button.next))
			button.back.focus();
		if (!quiet)
			said.textContent = position.textContent + ". " + moving().map((panel) =>
				panel.name + ": " + panel.turns[panel.at < 0 ? panel.turns.length - 1 : panel.at].textContent.trim()).join(" ");
	}

	function choose(name) {
		which = name;
		chosen.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.which === name)));
		go(current());
	}

	document.documentElement.classList.add("js");
	const back = () => go(current() < 0 ? last() : Math.max(0, current() - 1));
	button.first.addEventListener("click", () => go(0));
	button.back.addEventListener("click", back);
	button.next.addEventListener("click", () => go(current() + 1));
	button.last.addEventListener("click", () => go(last()));
	button.all.addEventListener("click", () => go(-1));
	chosen.forEach((b) => b.addEventListener("click", () => choose(b.dataset.which)));
	panels.forEach((panel) => panel.drawn.forEach((g) => g.addEventListener("click", () => {
		if (which !== "" && which !== panel.name)
			choose(panel.name);
		go(Number(g.dataset.step));
	})));
	document.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
			return;
		const to = { ArrowRight: () => go(current() + 1), ArrowLeft: back, Home: () => go(0), End: () => go(last()),
			Escape: () => go(-1) }[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		to();
	});
	const wanted = /^#step-(\d+)$/.exec(location.hash);
	go(wanted ? Number(wanted[1]) : -1, true);
})();

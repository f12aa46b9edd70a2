// SPDX-License-Identifier: MIT
// Steps through the walks of all strategies at once, or of one. The page is complete without this: it only
// hides and shows. A walk that has fewer steps than the others waits at its last.
(function () {
	"use strict";
	const panels = Array.from(document.querySelectorAll(".panel")).map((section) => ({
		section,
		name: section.dataset.strategy,
		turns: Array.from(section.querySelectorAll("ol.turns > li")),
		drawn: Array.from(section.querySelectorAll(".picture .step")),
		departure: Number(section.dataset.departure || Infinity),
		at: 0,
	}));
	const position = document.getElementById("position");
	const said = document.getElementById("said");
	const chosen = Array.from(document.querySelectorAll(".which button"));
	const button = {};
	for (const name of ["first", "back", "next", "last"])
		button[name] = document.getElementById(name);
	let which = "";

	const moving = () => panels.filter((panel) => which === "" || panel.name === which);
	const last = () => Math.max(...moving().map((panel) => panel.turns.length - 1));
	const current = () => Math.max(...moving().map((panel) => panel.at));

	function show(panel) {
		panel.turns.forEach((li, i) => li.classList.toggle("current", i === panel.at));
		panel.drawn.forEach((g) => {
			const n = Number(g.dataset.step);
			g.classList.toggle("current", n === panel.at);
			g.classList.toggle("past", n < panel.at);
		});
		panel.section.dataset.step = String(panel.at);
		panel.section.classList.toggle("alarmed", panel.at >= panel.departure);
		panel.section.classList.toggle("waiting", which !== "" && panel.name !== which);
	}

	function go(number, quiet) {
		number = Math.max(0, Math.min(last(), number));
		for (const panel of moving())
			panel.at = Math.min(number, panel.turns.length - 1);
		panels.forEach(show);
		document.body.dataset.step = String(number);
		position.textContent = "Step " + number + " of " + last();
		// Disabling the focused button would lose the focus: hand it to its opposite.
		const atFirst = number === 0, atLast = number === last();
		const focused = document.activeElement;
		button.first.disabled = button.back.disabled = atFirst;
		button.next.disabled = button.last.disabled = atLast;
		if (atFirst && (focused === button.first || focused === button.back))
			button.next.focus();
		if (atLast && (focused === button.last || focused === button.next))
			button.back.focus();
		if (!quiet)
			said.textContent = position.textContent + ". " + moving().map((panel) =>
				panel.name + ": " + panel.turns[panel.at].textContent.trim()).join(" ");
	}

	function choose(name) {
		which = name;
		chosen.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.which === name)));
		go(current());
	}

	document.documentElement.classList.add("js");
	button.first.addEventListener("click", () => go(0));
	button.back.addEventListener("click", () => go(current() - 1));
	button.next.addEventListener("click", () => go(current() + 1));
	button.last.addEventListener("click", () => go(last()));
	chosen.forEach((b) => b.addEventListener("click", () => choose(b.dataset.which)));
	panels.forEach((panel) => panel.drawn.forEach((g) => g.addEventListener("click", () => {
		if (which !== "" && which !== panel.name)
			choose(panel.name);
		go(Number(g.dataset.step));
	})));
	document.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
			return;
		const to = { ArrowRight: current() + 1, ArrowLeft: current() - 1, Home: 0, End: last() }[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		go(to);
	});
	const wanted = /^#step-(\d+)$/.exec(location.hash);
	go(wanted ? Number(wanted[1]) : 0, true);
})();

// SPDX-License-Identifier: MIT
// Steps through a script. The page is complete without this: it only hides and shows.
(function () {
	"use strict";
	const steps = Array.from(document.querySelectorAll(".sim"));
	const position = document.getElementById("position");
	const said = document.getElementById("said");
	const button = {};
	for (const name of ["first", "back", "next", "last"])
		button[name] = document.getElementById(name);
	const last = steps.length - 1;
	let current = -1;

	function go(number, quiet) {
		number = Math.max(0, Math.min(last, number));
		if (number === current)
			return;
		current = number;
		steps.forEach((step, i) => step.classList.toggle("current", i === number));
		document.body.dataset.step = String(number);
		position.textContent = "Step " + (number + 1) + " of " + (last + 1);
		const atFirst = number === 0, atLast = number === last;
		const focused = document.activeElement;
		button.first.disabled = button.back.disabled = atFirst;
		button.next.disabled = button.last.disabled = atLast;
		// Disabling the focused button would lose the focus: hand it to its opposite.
		if (atFirst && (focused === button.first || focused === button.back))
			button.next.focus();
		if (atLast && (focused === button.next || focused === button.last))
			button.back.focus();
		if (!quiet)
			said.textContent = steps[number].querySelector("h2").textContent + ": " +
				steps[number].querySelector("p").textContent;
	}

	button.first.addEventListener("click", () => go(0));
	button.back.addEventListener("click", () => go(current - 1));
	button.next.addEventListener("click", () => go(current + 1));
	button.last.addEventListener("click", () => go(last));
	document.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey)
			return;
		const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: last }[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		go(to);
	});
	document.documentElement.classList.add("js");
	go(0, true);
})();

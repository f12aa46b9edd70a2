// SPDX-License-Identifier: MIT
// Steps through a script. The page is complete without this: it only hides and shows. At the start all steps are
// visible.
(function () {
	"use strict";
	const steps = Array.from(document.querySelectorAll(".sim"));
	const position = document.getElementById("position");
	const said = document.getElementById("said");
	const button = {};
	for (const name of ["first", "back", "next", "last", "all"])
		button[name] = document.getElementById(name);
	const last = steps.length - 1;
	// The step that is shown alone; -1: all.
	let current = -1;

	function go(number, quiet) {
		current = Math.max(-1, Math.min(last, number));
		document.body.classList.toggle("stepping", current >= 0);
		steps.forEach((step, i) => step.classList.toggle("current", i === current));
		document.body.dataset.step = String(current);
		position.textContent = current < 0 ? "The whole script" : "Step " + (current + 1) + " of " + (last + 1);
		const atFirst = current === 0, atLast = current === last;
		const focused = document.activeElement;
		button.first.disabled = atFirst;
		button.back.disabled = current <= 0;
		button.next.disabled = button.last.disabled = atLast;
		button.all.disabled = current < 0;
		// Disabling the focused button would lose the focus: hand it to its opposite.
		if (atFirst && (focused === button.first || focused === button.back))
			button.next.focus();
		if (atLast && (focused === button.next || focused === button.last))
			button.back.focus();
		if (quiet)
			return;
		said.textContent = current < 0 ? position.textContent : steps[current].querySelector("h2").textContent + ": " +
			steps[current].querySelector("p").textContent;
		window.scrollTo(0, 0);
	}

	const back = () => go(current < 0 ? last : Math.max(0, current - 1));
	button.first.addEventListener("click", () => go(0));
	button.back.addEventListener("click", back);
	button.next.addEventListener("click", () => go(current + 1));
	button.last.addEventListener("click", () => go(last));
	button.all.addEventListener("click", () => go(-1));
	document.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
			return;
		const to = {ArrowRight: () => go(current + 1), ArrowLeft: back, Home: () => go(0), End: () => go(last),
			Escape: () => go(-1)}[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		to();
	});
	document.documentElement.classList.add("js");
	const wanted = /^#step-(\d+)$/.exec(location.hash);
	go(wanted ? Number(wanted[1]) - 1 : -1, true);
})();

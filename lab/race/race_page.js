// SPDX-License-Identifier: MIT
// Steps through a finding. The page is complete without this: it only hides and shows. At the start nothing is
// selected, and the whole run is visible.
(function () {
	"use strict";
	const steps = Array.from(document.querySelectorAll("ol.run > li.step"));
	const moments = Array.from(document.querySelectorAll(".moment"));
	const names = Array.from(document.querySelectorAll(".names > b"));
	const both = document.querySelector(".both");
	const failure = document.querySelector(".failure");
	const position = document.getElementById("position");
	const said = document.getElementById("said");
	const button = {};
	for (const name of ["first", "back", "next", "last", "all"])
		button[name] = document.getElementById(name);
	const last = moments.length - 1;
	// The number of the moment: 0 before all steps, the last one when the run has failed; -1: all.
	let current = -1;

	function show() {
		const at = current < 0 ? last : current;
		const li = steps.find((step) => Number(step.dataset.n) === current);
		const related = li ? [li.dataset.from, li.dataset.partner] : [];
		both.classList.toggle("stepping", current >= 0);
		both.classList.toggle("ended", current === last);
		moments.forEach((moment, i) => moment.classList.toggle("current", i === at));
		steps.forEach((step) => {
			const n = Number(step.dataset.n);
			step.classList.toggle("current", n === current);
			step.classList.toggle("past", current >= 0 && n < current);
			step.classList.toggle("related", related.includes(step.dataset.n));
			if (n === current)
				step.querySelector(".box").setAttribute("aria-current", "step");
			else
				step.querySelector(".box").removeAttribute("aria-current");
		});
		names.forEach((name) => name.classList.toggle("current", Boolean(li) && name.dataset.thread === li.dataset.thread));
		document.body.dataset.step = String(current);
		position.textContent = current < 0 ? "The whole run" : moments[at].dataset.label + " (" + current + " of " + last + ")";
		return li;
	}

	function go(number, quiet) {
		current = Math.max(-1, Math.min(last, number));
		const li = show();
		// Disabling the focused button would lose the focus: hand it to its opposite.
		const atFirst = current === 0, atLast = current === last;
		const focused = document.activeElement;
		button.first.disabled = atFirst;
		button.back.disabled = current <= 0;
		button.next.disabled = button.last.disabled = atLast;
		button.all.disabled = current < 0;
		if (button.back.disabled && (focused === button.first || focused === button.back) && atFirst)
			button.next.focus();
		if (atLast && (focused === button.last || focused === button.next))
			button.back.focus();
		if (quiet)
			return;
		said.textContent = position.textContent + ". " + (current < 0 ? "" : moments[current].dataset.say);
		if (li)
			li.scrollIntoView({block: "nearest"});
		else if (atLast)
			failure.scrollIntoView({block: "nearest"});
		else
			window.scrollTo(0, 0);
	}

	const back = () => go(current < 0 ? last : Math.max(0, current - 1));
	document.documentElement.classList.add("js");
	button.first.addEventListener("click", () => go(0));
	button.back.addEventListener("click", back);
	button.next.addEventListener("click", () => go(current + 1));
	button.last.addEventListener("click", () => go(last));
	button.all.addEventListener("click", () => go(-1));
	steps.forEach((step) => step.querySelector(".box").addEventListener("click", () => go(Number(step.dataset.n))));
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
	const wanted = /^#step-(\d+)$/.exec(location.hash);
	go(wanted ? Number(wanted[1]) : -1, true);
})();

// SPDX-License-Identifier: MIT
// Steps forward and back through the walk. The page is complete without this: it only hides and shows. At the start
// the whole walk is visible, beside the text of its result.
(function () {
	"use strict";
	const steps = Array.from(document.querySelectorAll("ol.steps > li"));
	const drawn = Array.from(document.querySelectorAll(".picture .step"));
	const picture = document.querySelector(".picture");
	const position = document.getElementById("position");
	const said = document.getElementById("said");
	const button = {
		first: document.getElementById("first"),
		back: document.getElementById("back"),
		next: document.getElementById("next"),
		last: document.getElementById("last"),
		all: document.getElementById("all"),
	};
	const last = steps.length - 1;
	let current = null;   // the number of the step; -1: the whole walk

	// Scrolls the picture's own window to the step's drawing, and never moves the page.
	function reveal(number) {
		const marked = drawn.filter((g) => Number(g.dataset.step) === number);
		const box = marked.map((g) => g.querySelector(".hit, .page, .hole, .rowbg")).find(Boolean);
		if (!box)
			return;
		const inner = box.getBoundingClientRect();
		const outer = picture.getBoundingClientRect();
		const margin = 40;
		if (inner.left < outer.left + margin || inner.right > outer.right - margin)
			picture.scrollLeft += inner.left - outer.left - Math.max(margin, (outer.width - inner.width) / 2);
		if (inner.top < outer.top || inner.bottom > outer.bottom)
			picture.scrollTop += inner.top - outer.top - outer.height / 3;
	}

	function go(number, quiet) {
		number = Math.max(-1, Math.min(last, number));
		if (number === current)
			return;
		const whole = number < 0, told = whole ? last : number;
		current = number;
		document.body.classList.toggle("stepping", !whole);
		steps.forEach((li, i) => {
			li.classList.toggle("current", i === told);
			const head = li.querySelector(".head");
			head.setAttribute("aria-expanded", String(i === told));
			if (i === number)
				head.setAttribute("aria-current", "step");
			else
				head.removeAttribute("aria-current");
		});
		drawn.forEach((g) => {
			const n = Number(g.dataset.step);
			g.classList.toggle("current", n === number);
			g.classList.toggle("past", n < number);
		});
		document.body.dataset.step = String(number);
		position.textContent = whole ? "The whole walk" : "Step " + number + " of " + last;
		// Disabling the focused button would lose the focus: hand it to its opposite.
		const atFirst = number === 0, atLast = number === last;
		const focused = document.activeElement;
		button.first.disabled = atFirst;
		button.back.disabled = number <= 0;
		button.next.disabled = button.last.disabled = atLast;
		button.all.disabled = whole;
		if (whole && focused === button.all)
			button.next.focus();
		if (atFirst && (focused === button.first || focused === button.back))
			button.next.focus();
		if (atLast && (focused === button.last || focused === button.next))
			button.back.focus();
		if (!quiet)
			said.textContent = position.textContent + ". " + steps[told].dataset.say;
		reveal(number);
	}

	document.documentElement.classList.add("js");
	const back = () => go(current < 0 ? last : Math.max(0, current - 1));
	button.first.addEventListener("click", () => go(0));
	button.back.addEventListener("click", back);
	button.next.addEventListener("click", () => go(current + 1));
	button.last.addEventListener("click", () => go(last));
	button.all.addEventListener("click", () => go(-1));
	steps.forEach((li, i) => li.querySelector(".head").addEventListener("click", () => go(i)));
	drawn.forEach((g) => g.addEventListener("click", () => go(Number(g.dataset.step))));
	document.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
			return;
		const to = { ArrowRight: () => go(current + 1), ArrowLeft: back, Home: () => go(0), End: () => go(last),
			Escape: () => go(-1) }[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		to();
	});
	const wanted = /^#step-(\d+)$/.exec(location.hash);
	go(wanted ? Number(wanted[1]) : -1, true);
	// The browser went to the step's place in the list; the picture is above it.
	if (wanted)
		requestAnimationFrame(() => scrollTo(0, 0));
})();

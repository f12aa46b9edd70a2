// SPDX-License-Identifier: MIT
// Steps forward and back through the walk. The page is complete without this: it only hides and shows.
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
	};
	const last = steps.length - 1;
	let current = -1;

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
		number = Math.max(0, Math.min(last, number));
		if (number === current)
			return;
		current = number;
		steps.forEach((li, i) => {
			li.classList.toggle("current", i === number);
			const head = li.querySelector(".head");
			head.setAttribute("aria-expanded", String(i === number));
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
		position.textContent = "Step " + number + " of " + last;
		// Disabling the focused button would lose the focus: hand it to its opposite.
		const atFirst = number === 0, atLast = number === last;
		const focused = document.activeElement;
		button.first.disabled = button.back.disabled = atFirst;
		button.next.disabled = button.last.disabled = atLast;
		if (atFirst && (focused === button.first || focused === button.back))
			button.next.focus();
		if (atLast && (focused === button.last || focused === button.next))
			button.back.focus();
		if (!quiet)
			said.textContent = position.textContent + ". " + steps[number].dataset.say;
		reveal(number);
	}

	document.documentElement.classList.add("js");
	button.first.addEventListener("click", () => go(0));
	button.back.addEventListener("click", () => go(current - 1));
	button.next.addEventListener("click", () => go(current + 1));
	button.last.addEventListener("click", () => go(last));
	steps.forEach((li, i) => li.querySelector(".head").addEventListener("click", () => go(i)));
	drawn.forEach((g) => g.addEventListener("click", () => go(Number(g.dataset.step))));
	document.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
			return;
		const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: last }[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		go(to);
	});
	const wanted = /^#step-(\d+)$/.exec(location.hash);
	go(wanted ? Number(wanted[1]) : 0, true);
	// The browser went to the step's place in the list; the picture is above it.
	if (wanted)
		requestAnimationFrame(() => scrollTo(0, 0));
})();

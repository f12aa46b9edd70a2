/* SPDX-License-Identifier: MIT */
/*
 * One script on two sides. It runs in a process of its own, so that a crash or a hang of either side is an answer,
 * too, and nothing is left of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { HOST_FAILED = 3, LOOK_AT_FLAGS_EVERY = 8, AGAIN_MOST = 10 };

struct run {
	const struct script *script;
	const struct pairing *pairing;
	struct verdict *verdict;
	struct side host, model;
	struct answer host_answer, model_answer;
	struct view host_view, model_view;
	unsigned alive;
};

/* Makes one call on both sides and compares. Returns whether they differ. */
static bool step(struct run *run, unsigned number)
{
	const struct call *call = &run->script->call[number];
	const struct comparison c = { .script = run->script,
				      .can = &run->pairing->can,
				      .call = call,
				      .host = &run->host_answer,
				      .model = &run->model_answer,
				      .host_view = &run->host_view,
				      .model_view = &run->model_view,
				      .verdict = run->verdict };
	const unsigned fork_bit = call->kind == CALL_FORK ? 1u << call->arg[0] : 0;

	if (!(run->alive & 1u << call->process) || (run->alive & fork_bit))
		return false;
	run->verdict->difference.step = number;
	run->verdict->side = run->host.name;
	run->host.call(&run->host, call, &run->host_answer);
	run->verdict->side = run->model.name;
	run->model.call(&run->model, call, &run->model_answer);
	run->verdict->side = NULL;
	__atomic_fetch_add(&run->verdict->steps, 1, __ATOMIC_RELAXED);
	if (call->kind == CALL_EXIT) {
		run->alive &= ~(1u << call->process);
		return false;
	}
	run->host.look(&run->host, call->process, number % LOOK_AT_FLAGS_EVERY == 0,
		       &run->host_view);
	run->model.look(&run->model, call->process, number % LOOK_AT_FLAGS_EVERY == 0,
			&run->model_view);
	if (compare_answers(&c))
		return true;
	if (call->kind == CALL_FORK && run->host_answer.result == 0)
		run->alive |= fork_bit;
	return compare_views(&c);
}

/* All processes at the end: also those that made no call for long. */
static bool last_look(struct run *run)
{
	for (unsigned i = 0; i < MAX_PROCESSES; i++) {
		const struct call call = { .kind = CALL_DIGEST, .process = (uint8_t)i };
		const struct comparison c = { .script = run->script,
					      .can = &run->pairing->can,
					      .call = &call,
					      .host_view = &run->host_view,
					      .model_view = &run->model_view,
					      .verdict = run->verdict };

		if (!(run->alive & 1u << i))
			continue;
		run->host.look(&run->host, i, true, &run->host_view);
		run->model.look(&run->model, i, true, &run->model_view);
		if (compare_views(&c)) {
			run->verdict->difference.step = run->script->calls;
			return true;
		}
	}
	return false;
}

static bool sides_start(struct run *run)
{
	const struct pairing *pairing = run->pairing;

	if (!host_start(&run->host, run->script, &pairing->can))
		return false;
	if (pairing->broken == -1)
		return model_start(&run->model, run->script, &pairing->can);
	if (!host_start(&run->model, run->script, &pairing->can))
		return false;
	if (pairing->broken >= 0)
		broken_start(&run->model, (unsigned)pairing->broken);
	return true;
}

static int run_main(const struct script *script, const struct pairing *pairing,
		    struct verdict *verdict)
{
	static struct run run;
	unsigned number;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run = (struct run){ .script = script, .pairing = pairing, .verdict = verdict, .alive = 1 };
	if (!sides_start(&run))
		return HOST_FAILED;
	for (number = 0; number < script->calls; number++) {
		if (step(&run, number)) {
			verdict->difference.step = number;
			break;
		}
	}
	if (number == script->calls && !last_look(&run))
		verdict->difference.kind = SAME;
	run.model.stop(&run.model);
	run.host.stop(&run.host);
	return 0;
}

/* Does the process end in time? Its state is in @status_ret. */
static bool ends(int pid, const struct verdict *verdict, int *status_ret)
{
	const bool ended = watch_ends(pid, &verdict->steps);

	kill(-pid, SIGKILL);
	if (!ended)
		kill(pid, SIGKILL);
	waitpid(pid, status_ret, 0);
	while (waitpid(-pid, NULL, 0) > 0) {
	}
	return ended;
}

static void run_once(const struct script *script, const struct pairing *pairing,
		     struct verdict *verdict)
{
	struct verdict *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pid, status;
	bool in_time;

	memset(shared, 0, sizeof *shared);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		status = run_main(script, pairing, shared);
		fflush(NULL);
		_exit(status);
	}
	setpgid(pid, pid);
	in_time = ends(pid, shared, &status);
	*verdict = *shared;
	munmap(shared, sizeof *shared);
	if (!in_time) {
		verdict->difference.kind = HUNG;
		snprintf(verdict->difference.text, TEXT, "it hangs in this call, %s%s",
			 verdict->side ? "on the side of the " : "while the sides are compared",
			 verdict->side ? verdict->side : "");
	} else if (WIFSIGNALED(status) ||
		   (WEXITSTATUS(status) && WEXITSTATUS(status) != HOST_FAILED)) {
		verdict->difference.kind = CRASHED;
		snprintf(verdict->difference.text, TEXT, "it ends by %s %d in this call",
			 WIFSIGNALED(status) ? "signal" : "exit",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	} else if (WEXITSTATUS(status)) {
		verdict->difference.kind = NOT_RUN;
		snprintf(verdict->difference.text, TEXT, "the host's side failed");
	}
	if (verdict->difference.step < script->calls)
		verdict->difference.call = script->call[verdict->difference.step];
}

void script_run(const struct script *script, const struct pairing *pairing, struct verdict *verdict)
{
	for (unsigned again = 0;; again++) {
		const uint64_t before = watch_shortages();

		run_once(script, pairing, verdict);
		verdict->again = again;
		if (verdict->difference.kind == SAME || verdict->difference.kind == HUNG ||
		    again == AGAIN_MOST || watch_shortages() == before)
			return;
	}
}

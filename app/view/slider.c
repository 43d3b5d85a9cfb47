/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/slider.h"

#include "app/desk/desk.h"
#include "engine/base/buf.h"

enum { BAR = 10, FORMS = 3 };

/* One column a checkpoint, as long as that is not too wide. */
static void put_bar(struct buf *b, int at, int count)
{
	const int cols = count < BAR ? count : BAR, on = at * (cols - 1) / (count - 1);

	for (int k = 0; k < cols; k++)
		buf_text(b, k == on ? "●" : "─");
}

/* From the longest form to the shortest. */
static void put_form(struct buf *b, const struct open_run *o, int at, int form)
{
	const struct checkpoint_row *r = &o->checkpoint[at];
	const double last = o->checkpoint[o->checkpoints - 1].epoch;

	buf_clear(b);
	buf_printf(b, form == 2 ? "epoch %.4g/%.4g" : "epoch %.4g of %.4g", r->epoch, last);
	if (form == 2)
		return;
	buf_text(b, " ");
	put_bar(b, at, o->checkpoints);
	if (!form)
		buf_printf(b, " step %lld", (long long)r->step);
}

void slider_text(const struct workbench *w, int cols, int wanted, char *out, size_t size)
{
	const int at = desk_checkpoint(w);
	struct buf b = {0};

	*out = '\0';
	for (int form = 0; at >= 0 && w->open->checkpoints > 1 && form < FORMS; form++) {
		put_form(&b, w->open, at, form);
		if (canvas_width(buf_str(&b)) <= (form ? cols : wanted)) {
			snprintf(out, size, "%s", buf_str(&b));
			break;
		}
	}
	buf_release(&b);
}

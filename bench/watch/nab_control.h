/* nab_control.h: a detector whose score is known, to see that the scoring is right. */
#ifndef BENCH_WATCH_NAB_CONTROL_H
#define BENCH_WATCH_NAB_CONTROL_H

struct nab_file;
void nab_control(struct nab_file *file);

#endif

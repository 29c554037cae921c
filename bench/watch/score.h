/* score.h: what `bench/watch` can print. */
#ifndef BENCH_WATCH_SCORE_H
#define BENCH_WATCH_SCORE_H

int score_nab(const char *vectors); /* folder of ../shared/vectors; exit status */
int score_adbench(const char *vectors);
int score_traffic(const char *service, int argc, char **argv); /* first and last seed, "curve" or "loud" */

#endif

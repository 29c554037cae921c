/* nab.c: reads the benchmark's files and scores by its rules (numenta/NAB, nab/sweeper.py and nab/runner.py). */
#include "nab.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct nab_weights nab_standard = { 1, 0.11, 1 }, nab_low_fp = { 1, 0.22, 1 }, nab_low_fn = { 1, 0.11, 2 };

static uint64_t time_of(const char *text)
{
	struct tm tm = { 0 };
	if (sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		   &tm.tm_sec) < 5)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (uint64_t)timegm(&tm);
}

static char *read_whole(const char *name)
{
	FILE *file = fopen(name, "r");
	if (!file)
		return NULL;
	char *text = NULL;
	if (!fseek(file, 0, SEEK_END)) {
		long size = ftell(file);
		rewind(file);
		text = size < 0 ? NULL : malloc((size_t)size + 1);
		if (text)
			text[fread(text, 1, (size_t)size, file)] = 0;
	}
	fclose(file);
	return text;
}

static bool read_rows(struct nab_file *file, const char *path)
{
	char *text = read_whole(path);
	if (!text)
		return false;
	size_t lines = 0;
	for (char *at = text; *at; at++)
		lines += *at == '\n';
	file->rows = calloc(lines + 1, sizeof(*file->rows));
	for (char *line = strchr(text, '\n'); file->rows && line && line[1]; line = strchr(line + 1, '\n')) {
		char *comma = strchr(line + 1, ',');
		if (!comma)
			break;
		file->rows[file->count++] =
			(struct nab_row){ .at = time_of(line + 1), .value = strtod(comma + 1, NULL), .window = -1 };
	}
	free(text);
	double share = 0.15 * (double)file->count;
	file->probation = share < 750 ? (size_t)share : 750;
	return file->rows && file->count;
}

static double sigmoid(double x)
{
	return x > 3 ? -1 : 2 / (1 + exp(5 * x)) - 1;
}

static size_t row_at(const struct nab_file *file, uint64_t at)
{
	size_t i = 0;
	while (i < file->count - 1 && file->rows[i].at != at)
		i++;
	return i;
}

/* What an alert at each row is worth: in a window the more the earlier, behind one the less the later. */
static void worth(struct nab_file *file, const uint64_t windows[][2])
{
	unsigned next = 0;
	int inside = -1;
	double last_width = 0, width = 0;
	size_t last_right = SIZE_MAX, right = 0;
	for (size_t i = 0; i < file->count; i++) {
		struct nab_row *row = &file->rows[i];
		if (next < file->windows && row->at == windows[next][0]) {
			inside = (int)next;
			right = row_at(file, windows[next][1]);
			width = (double)right - (double)row_at(file, windows[next][0]) + 1;
			next++;
		}
		row->window = inside;
		if (inside >= 0)
			row->worth = sigmoid(-((double)right - (double)i + 1) / width) / sigmoid(-1);
		else
			row->worth = last_right == SIZE_MAX
					     ? -1
					     : sigmoid(fabs((double)last_right - (double)i) / (last_width - 1));
		if (inside >= 0 && row->at == windows[inside][1]) {
			last_right = i;
			last_width = width;
			inside = -1;
		}
	}
}

/* combined_windows.json: "folder/name.csv": [["begin", "end"], ...] */
static void read_windows(struct nab_file *file, const char *labels)
{
	uint64_t windows[NAB_WINDOWS][2];
	const char *at = strstr(labels, file->name);
	for (int depth = 0, ends = 0; at && *at; at++) {
		if (*at == '[') {
			depth++;
			ends = 0;
		} else if (*at == ']' && --depth == 0)
			break;
		else if (*at == '"' && depth == 2 && file->windows < NAB_WINDOWS) {
			windows[file->windows][ends++] = time_of(at + 1);
			if (ends == 2)
				file->windows++;
			at = strchr(at + 1, '"');
		}
	}
	worth(file, windows);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct nab_file *)a)->name, ((const struct nab_file *)b)->name);
}

bool nab_load(struct nab *nab, const char *folder)
{
	char path[4096];
	*nab = (struct nab){ 0 };
	snprintf(path, sizeof(path), "%s/labels/combined_windows.json", folder);
	char *labels = read_whole(path);
	snprintf(path, sizeof(path), "%s/data", folder);
	DIR *data = labels ? opendir(path) : NULL;
	bool good = data;
	for (struct dirent *entry; good && (entry = readdir(data));) {
		if (entry->d_name[0] == '.' || strchr(entry->d_name, '.'))
			continue;
		snprintf(path, sizeof(path), "%s/data/%s", folder, entry->d_name);
		DIR *inner = opendir(path);
		for (struct dirent *csv; inner && (csv = readdir(inner));)
			if (nab->count < NAB_FILES && strstr(csv->d_name, ".csv"))
				snprintf(nab->files[nab->count++].name, NAB_NAME, "%.30s/%.48s", entry->d_name,
					 csv->d_name);
		if (inner)
			closedir(inner);
	}
	if (data)
		closedir(data);
	qsort(nab->files, nab->count, sizeof(*nab->files), by_name);
	for (size_t i = 0; good && i < nab->count; i++) {
		struct nab_file *file = &nab->files[i];
		const char *slash = strchr(file->name, '/');
		size_t same = slash ? (size_t)(slash - file->name) : 0;
		bool first = !i || strncmp(file->name, file[-1].name, same + 1) != 0;
		file->half = first ? 0 : !file[-1].half;
		snprintf(path, sizeof(path), "%s/data/%s", folder, file->name);
		good = read_rows(file, path);
		if (good)
			read_windows(file, labels);
	}
	free(labels);
	return good && nab->count;
}

void nab_free(struct nab *nab)
{
	for (size_t i = 0; i < nab->count; i++)
		free(nab->files[i].rows);
	nab->count = 0;
}

double nab_score(const struct nab *nab, const struct nab_weights *weights, unsigned halves, double threshold)
{
	double points = 0, windows = 0;
	for (size_t f = 0; f < nab->count; f++) {
		const struct nab_file *file = &nab->files[f];
		if (!(halves >> file->half & 1))
			continue;
		double best[NAB_WINDOWS];
		for (unsigned w = 0; w < file->windows; w++)
			best[w] = -weights->miss;
		for (size_t i = file->probation; i < file->count; i++) {
			const struct nab_row *row = &file->rows[i];
			if (row->score < threshold)
				continue;
			if (row->window < 0)
				points += row->worth * weights->false_alert;
			else if (row->worth * weights->hit > best[row->window])
				best[row->window] = row->worth * weights->hit;
		}
		for (unsigned w = 0; w < file->windows; w++)
			points += best[w];
		windows += file->windows;
	}
	double none = -windows * weights->miss, all = windows * weights->hit;
	return 100 * (points - none) / (all - none);
}

struct point {
	double score, worth;
	int window; /* of all files; -1: none */
};

static int by_score(const void *a, const void *b)
{
	double x = ((const struct point *)a)->score, y = ((const struct point *)b)->score;
	return x < y ? 1 : x > y ? -1 : 0;
}

double nab_optimise(const struct nab *nab, const struct nab_weights *weights, unsigned halves)
{
	size_t count = 0;
	for (size_t f = 0; f < nab->count; f++)
		count += nab->files[f].count;
	struct point *points = calloc(count + 1, sizeof(*points));
	static double best[NAB_FILES * NAB_WINDOWS];
	if (!points)
		return 1.1;
	count = 0;
	for (size_t f = 0; f < nab->count; f++) {
		const struct nab_file *file = &nab->files[f];
		for (size_t i = file->probation; halves >> file->half & 1 && i < file->count; i++)
			points[count++] = (struct point){ file->rows[i].score, file->rows[i].worth,
							  file->rows[i].window < 0
								  ? -1
								  : (int)f * NAB_WINDOWS + file->rows[i].window };
	}
	qsort(points, count, sizeof(*points), by_score);
	for (size_t i = 0; i < NAB_FILES * NAB_WINDOWS; i++)
		best[i] = -weights->miss;
	double sum = 0, most = 0, threshold = 1.1; /* relative to no alert at all */
	for (size_t i = 0; i < count; i++) {
		const struct point *point = &points[i];
		if (point->window < 0)
			sum += point->worth * weights->false_alert;
		else if (point->worth * weights->hit > best[point->window]) {
			sum += point->worth * weights->hit - best[point->window];
			best[point->window] = point->worth * weights->hit;
		}
		if (sum > most && (i + 1 == count || points[i + 1].score < point->score)) {
			most = sum;
			threshold = point->score;
		}
	}
	free(points);
	return threshold;
}

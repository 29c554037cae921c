#include "shell/threat_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "shell/file.h"
#include "state/threats.h"

enum { PATH_ROOM = 4096, NAME_OCTETS = 16, GROWN_LEAST = 1000, COVERED_PERCENT = 5, OWN_MOST = 8 };

/* Addresses and networks that no list may have, because this server would shut itself out: proxies, upstreams, where
 * operators come in; and whom the operators exempt from automatic blocks. */
struct trusted {
	struct addr_net *nets;
	size_t count;
};

static void trust_host(struct trusted *trusted, const char *host, size_t size)
{
	struct fw_addr address;

	if (size > 2 && host[0] == '[') {
		host++;
		size -= 2;
	}
	if (addr_parse(slice(host, size), &address))
		trusted->nets[trusted->count++] =
			(struct addr_net){ .base = address, .bits = address.family == 4 ? 32 : 128 };
}

/* HOST:PORT of the admin side; one that means all addresses is none. */
static void trust_admin(struct trusted *trusted, const char *listen)
{
	const char *colon = strrchr(listen, ':');

	if (colon != NULL)
		trust_host(trusted, listen, (size_t)(colon - listen));
}

static bool trust(const struct fw_policy *policy, struct trusted *trusted)
{
	trusted->count = 0;
	trusted->nets = mem_zero(policy->trusted_net_count + policy->exempt_net_count + policy->route_count + OWN_MOST,
				 sizeof(*trusted->nets));
	if (trusted->nets == NULL)
		return false;
	for (size_t i = 0; i < policy->trusted_net_count; i++)
		trusted->nets[trusted->count++] = policy->trusted_nets[i];
	for (size_t i = 0; i < policy->exempt_net_count; i++)
		trusted->nets[trusted->count++] = policy->exempt_nets[i];
	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy->routes[i].has_upstream)
			trust_host(trusted, policy->routes[i].upstream_host, strlen(policy->routes[i].upstream_host));
	trust_host(trusted, "127.0.0.1", 9);
	trust_host(trusted, "::1", 3);
	trust_admin(trusted, policy->settings.admin_listen);
	return true;
}

static bool refuse(struct threat_loaded *loaded, const char *why)
{
	snprintf(loaded->why, sizeof(loaded->why), "%s", why);
	return false;
}

static bool has_grown(const struct threat_list *list, size_t networks, size_t before)
{
	size_t most = before;

	if (list->max_growth == 0 || before == 0 || networks <= GROWN_LEAST)
		return false;
	return size_mul(before, (size_t)list->max_growth, &most) && networks >= most;
}

static bool judge(const struct fw_policy *policy, const struct threat_list *list, const struct prefix_set *set,
		  size_t before, struct threat_loaded *loaded)
{
	struct trusted trusted;
	bool holds;

	loaded->networks = prefix_set_count(set);
	loaded->covered = prefix_set_covered4(set);
	if (has_grown(list, loaded->networks, before)) {
		snprintf(loaded->why, sizeof(loaded->why),
			 "it has %zu networks where the one in use has %zu (max_growth is %d)", loaded->networks,
			 before, (int)list->max_growth);
		return false;
	}
	if (!trust(policy, &trusted))
		return refuse(loaded, "memory is short");
	holds = threat_judge(set, (UINT64_C(1) << 32) / 100 * COVERED_PERCENT, trusted.nets, trusted.count,
			     list->private_networks, loaded->why);
	mem_free(trusted.nets);
	return holds;
}

static bool read_and_judge(const struct fw_policy *policy, const struct threat_list *list, struct fw_slice text,
			   size_t before, struct threat_reading *reading, struct threat_loaded *loaded)
{
	const struct prefix_set *set;
	size_t size;
	bool holds;

	if (!threat_read(list->kind, text, reading))
		return refuse(loaded, reading->why);
	loaded->left_out = reading->left_out;
	loaded->unsupported = reading->unsupported;
	loaded->invalid = reading->invalid;
	loaded->changes_us = reading->changes_us;
	loaded->fd = threats_seal(reading->build);
	set = loaded->fd >= 0 ? threats_map(loaded->fd, &size) : NULL;
	if (set == NULL)
		return refuse(loaded, "memory is short");
	holds = judge(policy, list, set, before, loaded);
	threats_unmap(set, size);
	return holds;
}

void threat_load(const struct fw_policy *policy, const struct threat_list *list, struct fw_slice text, size_t before,
		 uint64_t wall_us, struct threat_loaded *ret_loaded)
{
	struct threat_reading reading = { .build = prefix_build_new(),
					  .wall_us = wall_us,
					  .most = (size_t)list->max_entries,
					  .private = list->private_networks };
	uint8_t digest[32];

	*ret_loaded = (struct threat_loaded){ .fd = -1, .changes_us = UINT64_MAX };
	digest_sha256(text, digest);
	encode_hex(digest, sizeof(digest), ret_loaded->digest);
	if (reading.build == NULL)
		refuse(ret_loaded, "memory is short");
	else if (!read_and_judge(policy, list, text, before, &reading, ret_loaded) && ret_loaded->fd >= 0) {
		close(ret_loaded->fd);
		ret_loaded->fd = -1;
	}
	prefix_build_free(reading.build);
}

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool threat_same_source(const struct threat_list *a, const struct threat_list *b)
{
	return same(a->name, b->name) && same(a->url, b->url) && same(a->collection, b->collection) &&
	       a->kind == b->kind;
}

/* DATA/threats/HEX: what was kept of another address is not this one's. */
static bool path_of(const char *data_directory, const struct threat_list *list, char ret_path[PATH_ROOM])
{
	const char *const parts[] = { list->name, list->url, list->collection, threat_format_name(list->kind) };
	uint8_t digest[32] = { 0 };
	char name[2 * NAME_OCTETS + 1] = "";
	int size;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		digest_sha256_pair(slice(digest, sizeof(digest)), slice_text(parts[i] != NULL ? parts[i] : ""), digest);
	encode_hex(digest, NAME_OCTETS, name);
	size = snprintf(ret_path, PATH_ROOM, "%s/threats/%s", data_directory, name);
	return size > 0 && size < PATH_ROOM;
}

int threat_keep(const char *data_directory, const struct threat_list *list, struct fw_slice text)
{
	char path[PATH_ROOM], *slash;

	if (!path_of(data_directory, list, path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	slash = strrchr(path, '/');
	*slash = '\0';
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -1;
	*slash = '/';
	return file_replace(path, text);
}

int threat_kept(const char *data_directory, const struct threat_list *list, uint8_t **ret_octets, size_t *ret_size,
		uint64_t *ret_wall_us)
{
	char path[PATH_ROOM];
	struct stat facts;

	if (!path_of(data_directory, list, path) || stat(path, &facts) != 0)
		return -1;
	*ret_wall_us = (uint64_t)facts.st_mtim.tv_sec * 1000000 + (uint64_t)facts.st_mtim.tv_nsec / 1000;
	return file_read(path, LIMIT_THREAT_BODY, ret_octets, ret_size);
}

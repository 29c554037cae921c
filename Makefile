# The front door. Meson does the work; `make help` lists the targets.
PREFIX ?= /usr/local
DESTDIR ?=
DATA ?= framewall-data
NINJA = ninja
RUN_FLAGS ?=

.PHONY: help run build test lint fmt asan tsan cover fuzz soak bench bench-detect bench-watch bench-watch-curve voice map docs install deb package-test clean
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 — /p' Makefile

build: ## the program at build/framewall, the library at build/libframewall.{a,so}
	@tools/install-packages.sh build
	@tools/configure.sh build
	@$(NINJA) -C build --quiet

run: build ## quick start: hub on ws://localhost:8765, demo chat and dashboard on http://localhost:8766
	@build/framewall run --demo --data $(DATA) $(RUN_FLAGS)

test: ## everything but long fuzzing, soak and benches; ends with "N passed, N failed"
	@tools/install-packages.sh build test lint
	@tools/test.py

lint: ## layers, purity, warnings on gcc and clang, clang-tidy, format, generated files, man pages
	@tools/install-packages.sh build test lint
	@tools/lint.py

fmt: ## formats the C files
	@find src include tests fuzz bench examples -name '*.[ch]' | xargs clang-format -i

asan: ## build-clang with address and undefined behaviour sanitizers, unit tests and plays under it
	@tools/install-packages.sh build test lint
	@tools/configure.sh build-clang
	@$(NINJA) -C build-clang --quiet && meson test -C build-clang --no-rebuild

tsan: ## the same with the thread sanitizer
	@tools/install-packages.sh build test
	@tools/configure.sh build-tsan
	@$(NINJA) -C build-tsan --quiet && meson test -C build-tsan --no-rebuild

cover: ## line coverage of unit tests and plays, by file
	@tools/install-packages.sh build test lint
	@tools/configure.sh build-cover
	@$(NINJA) -C build-cover --quiet && meson test -C build-cover --no-rebuild >/dev/null; tools/cover.py build-cover

FUZZ_SECONDS ?= 600
fuzz: ## each fuzzer for FUZZ_SECONDS (600) under ASan and UBSan
	@tools/install-packages.sh build test lint
	@tools/fuzz.sh $(FUZZ_SECONDS)

soak: ## plays with the input cut at every octet and with every allocation failing; 100 reloads in 60 s under load; 10,000 changes of a record, 10,000 kills (LEDGER_KILLS=100: fewer), 10,000 falls of gate and keeper, a fault at each call of the disk
	@tools/install-packages.sh build test lint
	@tools/configure.sh build-clang
	@$(NINJA) -C build-clang --quiet && meson test -C build-clang --no-rebuild --suite soak --verbose

BENCH_FLAGS ?=
bench: ## peers and Framewall side by side in one run; ratios to bench/results/
	@tools/install-packages.sh build test bench
	@tools/configure.sh build-bench -Dbuildtype=release -Dbench=true -Dtests=disabled -Db_lto=true
	@$(NINJA) -C build-bench --quiet && /usr/bin/python3 bench/run.py --build build-bench $(BENCH_FLAGS)

CORPORA ?= ../shared/corpora
bench-detect: ## what inspection finds, how often it cries wolf, and what it costs, on the texts of CORPORA (../shared/corpora)
	@tools/install-packages.sh build
	@tools/configure.sh build-bench -Dbuildtype=release -Dbench=true -Dtests=disabled -Db_lto=true
	@$(NINJA) -C build-bench --quiet bench/detect
	@tests/web/run.sh --install && node --expose-internals bench/live.mjs $(CORPORA) build-bench/live.txt || rm -f build-bench/live.txt
	@LIVE=build-bench/live.txt build-bench/bench/detect $(CORPORA)
	@/usr/bin/python3 bench/detect_peers.py build-bench $(CORPORA)

VECTORS ?= ../shared/vectors
SEED ?= 101
bench-watch: ## what is odd in figures and behaviour: the Numenta benchmark, KDD-99 by ADBench, of VECTORS (../shared/vectors), and the made-up day of seed SEED (101)
	@tools/install-packages.sh build
	@tools/configure.sh build-bench -Dbuildtype=release -Dbench=true -Dtests=disabled -Db_lto=true
	@$(NINJA) -C build-bench --quiet bench/watch_score && build-bench/bench/watch_score nab $(VECTORS) && build-bench/bench/watch_score adbench $(VECTORS) && build-bench/bench/watch_score traffic $(SEED)

SEEDS ?= 125,126
bench-watch-curve: ## what is found against false alerts, by sensitivity, of the days of SEEDS: docs/internals/watch-curve.svg; some minutes
	@tools/configure.sh build-bench -Dbuildtype=release -Dbench=true -Dtests=disabled -Db_lto=true
	@$(NINJA) -C build-bench --quiet bench/watch_score && bench/watch/plot.py build-bench docs/internals/watch-curve.svg --seeds $(SEEDS)

voice: ## the weights of the learned voice, made anew from the texts of CORPORA
	@tools/configure.sh build-bench -Dbuildtype=release -Dbench=true -Dtests=disabled -Db_lto=true
	@$(NINJA) -C build-bench --quiet bench/detect && build-bench/bench/detect $(CORPORA) train src/tables/voice_weights.def

map: ## the picture of the layers, drawn from the includes; fails when src/LAYERS says otherwise
	@tools/layers.py --map

docs: ## generates docs/reference from the tables, and the examples in the guides
	@tools/reference.py
	@tools/examples.py

install: build ## to DESTDIR and PREFIX
	@meson configure build --prefix $(PREFIX) && $(NINJA) -C build --quiet && DESTDIR=$(DESTDIR) meson install -C build --no-rebuild --quiet
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

deb: build ## Debian packages at build/*.deb
	@tools/deb.sh build

package-test: build ## installs the packages in a clean Debian 12, runs, upgrades, removes and purges them; needs root and a mirror
	@tools/install-packages.sh package
	@tools/package-test.py build

clean:
	@rm -rf build build-*

# Short names for what people do with vif. Meson and Ninja do the work, in build/ and build-test/.

# Link-time optimisation saves about a twelfth of the CPU time of a pipelined request (gcc 12). With clang it needs
# parts that not every machine has.
LTO = $(if $(findstring clang,$(CC)),false,true)
PORT = 8080
# Versions differ in taste: tools/check-format wants this one.
CLANG_FORMAT = $(or $(shell command -v clang-format-14),clang-format)
FUZZ_SECONDS = 60
SEEDS = 100000

.PHONY: build run test check format bench bench-deps stress soak course fuzz mutants sim sim-long deps install deb static dist
.PHONY: packages clean help
.NOTPARALLEL:

build: build/build.ninja
	@ninja -C build vif

build/build.ninja:
	@tools/deps build
	@meson setup build -Db_lto=$(LTO) $(if $(PREFIX),--prefix=$(abspath $(PREFIX)))

# Serves the welcome site until Ctrl-C.
run: build
	@build/vif --port $(PORT) --error-page 404=404.html www

# Everything: checks, tests of four builds, the fuzzers' corpora. One build: tools/test gcc
test:
	@tools/deps all
	@tools/test

# What needs no build: layers, headers, format, style, static analysis, what nobody uses.
check:
	@tools/test checks analysis

format:
	@git ls-files -z '*.c' '*.h' | xargs -0 $(CLANG_FORMAT) -i

# Compares vif with other servers; needs wrk, and whichever of them are to be compared.
bench: build
	@bench/run

bench-deps:
	@bench/deps

# A hundred thousand idle connections: their memory, and what others notice of them. About two minutes.
stress: build
	@tests/stress/stress

# Reloads, upgrades, killed workers, slow and hostile clients, full disks, for so long: nothing is lost, nothing grows.
T = 20m
soak: build
	@tools/deps all
	@tools/soak $(T)

# The course of lab/course: each program fails as its chapter promises, and the next one does not. Half a minute.
course:
	@lab/course/run

# Looks for new crashes with each fuzzer, FUZZ_SECONDS each.
fuzz:
	@tools/deps all
	@tools/fuzz $(FUZZ_SECONDS)

# The server on a simulated kernel, with simulated clients: thousands of runs, and those that found something once.
sim: build/build.ninja
	@ninja -C build tests/sim/vif-sim tests/sim/vif-sim-datagrams tests/sim/vif-sim-proxied
	@tests/sim/replay build/tests/sim/vif-sim tests/sim/regressions
	@build/tests/sim/vif-sim --seeds 1-3000
	@build/tests/sim/vif-sim-datagrams --seeds 1-1000
	@tests/sim/replay build/tests/sim/vif-sim-proxied tests/sim/proxied/regressions
	@build/tests/sim/vif-sim-proxied --seeds 1-1500

# Puts faults into the code, one at a time, and says which test notices each: tests/mutants/README.md. About two hours.
mutants:
	@tools/deps all
	@tools/mutants

# As many new ones as are asked for.
sim-long: build/build.ninja
	@ninja -C build tests/sim/vif-sim tests/sim/vif-sim-proxied
	@build/tests/sim/vif-sim --count $(SEEDS)
	@build/tests/sim/vif-sim-proxied --count $(SEEDS)

# Installs what building and testing need and is not there; the other targets do it by themselves.
deps:
	@tools/deps all

# The program, its manual page, completions, the systemd unit, examples and the welcome site. PREFIX is /usr/local, or
# that of the last time; what knows its place is made anew when PREFIX changes.
install: build/build.ninja
	@$(if $(PREFIX),meson configure build -Dprefix=$(abspath $(PREFIX)))
	@ninja -C build vif
	@DESTDIR=$(abspath $(DESTDIR)) meson install -C build --no-rebuild

# In dist/: a package for the Debian or Ubuntu that this runs on; one file that needs no library; and what a release
# consists of: sources, that file, what both contain, checksums.
deb:
	@tools/deps deb
	@tools/package deb

static:
	@tools/deps build
	@tools/package static

dist:
	@tools/deps build
	@tools/package dist

# Tries these in fresh Debian 12 and 13 folders. Needs root, debootstrap and the network; takes ten minutes.
packages:
	@tools/test-packages

clean:
	@rm -rf build build-test build-mutants build-static dist

help:
	@echo "make              builds build/vif"
	@echo "make run          builds it and serves the welcome site (PORT=8080)"
	@echo "make test         runs every test; make check only what needs no build"
	@echo "make fuzz         looks for crashes (FUZZ_SECONDS=60 for each fuzzer)"
	@echo "make sim          runs the server on a simulated kernel; make sim-long SEEDS=100000 for longer"
	@echo "make mutants      puts faults into the code, and sees which tests notice"
	@echo "make bench        compares vif with other servers; make bench-deps installs them"
	@echo "make stress       holds 100,000 idle connections"
	@echo "make course       runs the course: thirteen small servers, and what breaks each"
	@echo "make format       formats the sources"
	@echo "make install      installs vif (PREFIX=/usr/local, DESTDIR=)"
	@echo "make deb          makes a package for Debian or Ubuntu, in dist/; make static: one file that needs no library"
	@echo "make dist         makes a release: sources, static program, bill of materials, checksums"
	@echo "make deps         installs what building and testing need"
	@echo "make clean        removes what was built"

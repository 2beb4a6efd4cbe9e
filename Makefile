# What a newcomer and the continuous integration run. Each target installs the Debian packages that it needs.

CARGO ?= cargo

.PHONY: demo test bench

# A debug build: from nothing it is done in half the time of a release build, and one person signing in does not
# notice the difference. A server is built with `cargo build --release`.
demo:
	sh tests/setup.sh demo
	$(CARGO) build --locked
	exec target/debug/sekisho demo

test:
	sh tests/setup.sh test
	$(CARGO) fmt --check
	$(CARGO) clippy --locked -- -D warnings
	$(CARGO) clippy --locked --all-targets --features kerberos -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --features kerberos
	$(CARGO) test --locked --features kerberos

bench:
	sh tests/setup.sh test
	$(CARGO) bench --locked --bench throughput
	$(CARGO) test --locked --features kerberos --test it -- --ignored sync::kill

//! The `sekisho` program: see [`sekisho::cli`].

/// Identity synchronisation takes apart and puts together a great many small values: half of its time went into the
/// allocator of glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sekisho::cli::run()
}

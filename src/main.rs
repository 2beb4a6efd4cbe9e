//! The `sekisho` program: see [`sekisho::cli`].

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}

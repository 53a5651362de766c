//! The `mesheryctl` program.

fn main() -> std::process::ExitCode {
    mesheryctl::app::run(std::env::args_os())
}

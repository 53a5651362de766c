//! The `mesheryctl` program.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}

//! Counts the work of the engine in tests, so that a test can tell linear work from quadratic without a clock.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts `amount` steps; nothing outside tests.
#[cfg(test)]
pub(in crate::pattern) fn count(amount: usize) {
    STEPS.with(|steps| steps.set(steps.get() + amount));
}

/// Counts `amount` steps; nothing outside tests.
#[cfg(not(test))]
pub(in crate::pattern) fn count(_amount: usize) {}

/// The steps that `work` takes.
#[cfg(test)]
pub(in crate::pattern) fn of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = STEPS.with(std::cell::Cell::get);
    let done = work();
    (done, STEPS.with(std::cell::Cell::get) - before)
}

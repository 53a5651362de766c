//! Which rows of a list are wanted.

/// Rows of a page when a request does not say.
pub const DEFAULT_SIZE: u64 = 10;

/// One page of a list. Size 0 means all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Number, from 0.
    pub number: u64,
    /// Rows; 0 for all.
    pub size: u64,
}

impl Page {
    /// Every row.
    pub const ALL: Page = Page { number: 0, size: 0 };

    /// Rows to skip.
    pub fn offset(self) -> u64 {
        self.number.saturating_mul(self.size)
    }

    /// Rows to return at most, where limited. SQLite counts rows in 63 bits.
    pub fn limit(self) -> Option<u64> {
        (self.size > 0).then(|| self.size.min(i64::MAX as u64))
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { number: 0, size: DEFAULT_SIZE }
    }
}

//! Paging as every era spells it.

use super::extract::Query;
use crate::base::Result;
use crate::store::page::{DEFAULT_SIZE, Page};
use crate::wire::rest::PageInfo;

/// Parameters of a paged list, for the OpenAPI document.
pub(super) const PAGE: (&str, &str) = ("page", "number of the page, from 0");
/// See [`PAGE`].
pub(super) const PAGE_SIZE: (&str, &str) =
    ("page_size", "rows of a page, 10 when not given; 0 or `all` for every row; also `pageSize` and `pagesize`");

/// The page a request asks for.
pub(super) fn asked(query: &Query) -> Result<Page> {
    const SIZES: &[&str] = &["page_size", "pageSize", "pagesize"];
    let number = query.number(&["page"])?.unwrap_or(0);
    let size = match query.get(SIZES) {
        Some("all") => 0,
        _ => query.number(SIZES)?.unwrap_or(DEFAULT_SIZE),
    };
    Ok(if size == 0 { Page::ALL } else { Page { number, size } })
}

/// What a reply says of its page.
pub(super) fn info(page: Page, rows: usize, total_count: u64) -> PageInfo {
    let page_size = if page.size == 0 { rows as u64 } else { page.size };
    PageInfo { page: page.number, page_size, total_count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_size_is_read() {
        for (text, wanted) in [
            ("", Page { number: 0, size: 10 }),
            ("page=2&page_size=5", Page { number: 2, size: 5 }),
            ("pageSize=5", Page { number: 0, size: 5 }),
            ("pagesize=5&page=1", Page { number: 1, size: 5 }),
            ("pagesize=all&page=3", Page::ALL),
            ("page_size=0", Page::ALL),
        ] {
            assert_eq!(asked(&Query::parse(text)).unwrap(), wanted, "{text}");
        }
        assert!(asked(&Query::parse("page=-1")).is_err());
        assert!(asked(&Query::parse("page_size=many")).is_err());
    }
}

//! Order and search of lists: what clients write, before it means a column.

use sea_orm::sea_query::{self, Expr, Func, IntoColumnRef, LikeExpr};
use sea_orm::{Condition, Order};

/// Which end of an order comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or newest first.
    #[default]
    Descending,
}

impl Direction {
    pub(super) fn order(self) -> Order {
        match self {
            Direction::Ascending => Order::Asc,
            Direction::Descending => Order::Desc,
        }
    }
}

/// Splits `COLUMN asc` or `COLUMN desc`; anything else is `None`, and the caller's default holds.
pub fn parse(text: &str) -> Option<(&str, Direction)> {
    let mut words = text.split_ascii_whitespace();
    let (column, direction) = (words.next()?, words.next()?);
    let direction = match direction.to_ascii_lowercase().as_str() {
        "asc" => Direction::Ascending,
        "desc" => Direction::Descending,
        _ => return None,
    };
    words.next().is_none().then_some((column, direction))
}

/// `lower(column) LIKE %search%` with the wildcards in `search` taken literally; everything when it is empty.
pub(super) fn contains(column: impl IntoColumnRef, search: &str) -> Condition {
    if search.is_empty() {
        return Condition::all();
    }
    let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let name = Expr::expr(Func::lower(Expr::col(column)));
    Condition::all().add(sea_query::ExprTrait::like(name, LikeExpr::new(format!("%{escaped}%")).escape('\\')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_two_words() {
        assert_eq!(parse("name asc"), Some(("name", Direction::Ascending)));
        assert_eq!(parse(" last_run  DESC "), Some(("last_run", Direction::Descending)));
        for text in ["", "name", "name up", "name asc, id desc"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

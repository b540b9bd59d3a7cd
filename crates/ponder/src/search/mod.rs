//! Finding entries.

mod corpus;
mod found;
mod query;

pub(crate) use self::corpus::read_all;
pub(crate) use self::found::{Found, Line};
pub(crate) use self::query::Query;

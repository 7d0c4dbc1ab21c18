//! Where queries, keys, values and outputs lie.

use super::Attention;
use crate::cpu::buffer;
use crate::cpu::matrix::Matrix;
use crate::cpu::real::Real;

/// How batch, heads and tokens follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// `[batch, heads, tokens, dim]`.
    Heads,
    /// `[batch, tokens, heads * dim]`, as linear layers give and take it.
    Tokens,
}

/// Which of queries, keys and values lie in one slice, one behind the other.
///
/// In [`Layout::Heads`] they follow one another in the last axis, in [`Layout::Tokens`] all heads of one role come before those
/// of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sources {
    /// None: three slices.
    Separate,
    /// Keys and values: two slices.
    KeyValue,
    /// All: one slice.
    Packed,
}

/// Queries, keys or values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Query,
    Key,
    Value,
}

impl Sources {
    /// The roles in each slice.
    pub(crate) fn roles(self) -> &'static [&'static [Role]] {
        match self {
            Self::Separate => &[&[Role::Query], &[Role::Key], &[Role::Value]],
            Self::KeyValue => &[&[Role::Query], &[Role::Key, Role::Value]],
            Self::Packed => &[&[Role::Query, Role::Key, Role::Value]],
        }
    }
}

/// Element `(item, head, token, i)` lies at `offset + item * strides[0] + head * strides[1] + token * strides[2] + i`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) offset: usize,
    pub(crate) strides: [usize; 3],
}

impl Place {
    fn start(&self, item: usize, head: usize, token: usize) -> usize {
        self.offset + item * self.strides[0] + head * self.strides[1] + token * self.strides[2]
    }
}

/// A part of the tokens of one head of one batch item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) item: usize,
    pub(super) head: usize,
    pub(super) first: usize,
    pub(super) count: usize,
}

impl Attention {
    /// The length of a vector of a role.
    pub(super) fn width(&self, role: Role) -> usize {
        match role {
            Role::Query | Role::Key => self.dim,
            Role::Value => self.value_dim,
        }
    }

    /// The number of vectors of a role.
    fn tokens(&self, role: Role) -> usize {
        match role {
            Role::Query => self.queries,
            Role::Key | Role::Value => self.keys,
        }
    }

    /// Where vectors lie that take up `width` behind `before` of all `row` elements of a head and token.
    fn place(&self, tokens: usize, width: usize, before: usize, row: usize) -> Place {
        match self.layout {
            Layout::Heads => Place {
                offset: before,
                strides: [self.heads * tokens * row, tokens * row, row],
            },
            Layout::Tokens => Place {
                offset: self.heads * before,
                strides: [tokens * self.heads * row, width, self.heads * row],
            },
        }
    }

    /// In which slice the vectors of a role lie, and where in it.
    pub(crate) fn source(&self, role: Role) -> (usize, Place) {
        let roles = self.sources.roles();
        let slice = roles.iter().position(|roles| roles.contains(&role));
        let slice = slice.expect("every role lies in one of the slices");
        let before = roles[slice].iter().take_while(|&&other| other != role);
        let before = before.map(|&other| self.width(other)).sum();
        let row = roles[slice].iter().map(|&other| self.width(other)).sum();
        (
            slice,
            self.place(self.tokens(role), self.width(role), before, row),
        )
    }

    /// Where the vectors of the output lie.
    pub(crate) fn target(&self) -> Place {
        self.place(self.queries, self.value_dim, 0, self.value_dim)
    }

    /// Vectors of a role as the rows of a matrix.
    pub(super) fn vectors<'a, T: Real>(
        &self,
        slices: &[&'a [T]],
        role: Role,
        part: Part,
    ) -> Matrix<'a, T> {
        let (slice, place) = self.source(role);
        let start = place.start(part.item, part.head, part.first);
        Matrix::rows(
            &slices[slice][start..],
            (part.count, self.width(role)),
            place.strides[2],
        )
    }

    /// Rows of the output, or of its gradient, as a matrix.
    pub(super) fn outputs<'a, T: Real>(&self, slice: &'a [T], part: Part) -> Matrix<'a, T> {
        let place = self.target();
        let start = place.start(part.item, part.head, part.first);
        Matrix::rows(
            &slice[start..],
            (part.count, self.value_dim),
            place.strides[2],
        )
    }

    /// Brings the gradients of the heads, `of(role, item * heads + head)` in rows one after another, to where the vectors lie.
    pub(super) fn assemble<'a, T: Real>(
        &self,
        roles: &[Role],
        of: impl Fn(Role, usize) -> &'a [T] + Sync,
    ) -> Vec<T> {
        let tokens = self.tokens(roles[0]);
        let heads_of_row = match self.layout {
            Layout::Heads => 1,
            Layout::Tokens => self.heads,
        };
        let width: usize = roles.iter().map(|&role| self.width(role)).sum();
        let rows = self.batch * self.heads / heads_of_row * tokens;
        buffer::build_whole_rows(rows, heads_of_row * width, |row, out: &mut [T]| {
            let (first, token) = (row / tokens * heads_of_row, row % tokens);
            let mut start = 0;
            for &role in roles {
                let width = self.width(role);
                for head in first..first + heads_of_row {
                    let vector = &of(role, head)[token * width..(token + 1) * width];
                    out[start..start + width].copy_from_slice(vector);
                    start += width;
                }
            }
        })
    }
}

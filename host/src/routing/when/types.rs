//! Types as far as they are known before there is an event.

use cel::common::ast::LiteralValue;

/// What an expression's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Boolean,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Null,
    List,
    Map,
    /// What `type(x)` gives.
    Kind,
    /// Known only when there is an event.
    Dyn,
}

impl Type {
    pub(super) fn of_literal(literal: &LiteralValue) -> Self {
        match literal {
            LiteralValue::Boolean(_) => Type::Boolean,
            LiteralValue::Bytes(_) => Type::Bytes,
            LiteralValue::Double(_) => Type::Double,
            LiteralValue::Int(_) => Type::Int,
            LiteralValue::Null => Type::Null,
            LiteralValue::String(_) => Type::Text,
            LiteralValue::UInt(_) => Type::Uint,
        }
    }

    /// With its article, for a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Type::Boolean => "a boolean",
            Type::Int => "an integer",
            Type::Uint => "an unsigned integer",
            Type::Double => "a floating-point number",
            Type::Text => "a text",
            Type::Bytes => "bytes",
            Type::Null => "null",
            Type::List => "a list",
            Type::Map => "a map",
            Type::Kind => "a type",
            Type::Dyn => "anything",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Type::Int | Type::Uint | Type::Double)
    }

    /// Whether it may turn out to be one of these.
    pub(super) fn may_be(self, types: &[Type]) -> bool {
        self == Type::Dyn || types.contains(&self) || types.contains(&Type::Dyn)
    }

    /// Whether values of both can be equal.
    pub(super) fn may_equal(self, other: Type) -> bool {
        let (either, numbers) = ([self, other], self.is_number() && other.is_number());
        self == other || numbers || either.contains(&Type::Dyn) || either.contains(&Type::Null)
    }

    /// Of a value that is of the one type or of the other.
    pub(super) fn join(self, other: Type) -> Type {
        if self == other { self } else { Type::Dyn }
    }
}

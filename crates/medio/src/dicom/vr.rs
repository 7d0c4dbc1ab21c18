//! Value representations (PS3.5 section 6.2).

use std::fmt;

macro_rules! representations {
    ($($name:ident $what:literal)*) => {
        /// How the value of an attribute is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Vr { $(#[doc = $what] $name),* }

        impl Vr {
            /// The representation with these two letters.
            #[must_use]
            pub fn from_code(code: [u8; 2]) -> Option<Self> {
                let code = std::str::from_utf8(&code).ok()?;
                $(if code == stringify!($name) { return Some(Self::$name); })*
                None
            }

            /// Its two letters.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }
    };
}

representations! {
    AE "Application entity" AS "Age" AT "Attribute tag" CS "Code string" DA "Date"
    DS "Decimal string" DT "Date and time" FD "Double" FL "Single" IS "Integer string"
    LO "Long string" LT "Long text" OB "Bytes" OD "Doubles" OF "Singles" OL "32-bit words"
    OV "64-bit words" OW "16-bit words" PN "Person name" SH "Short string" SL "Signed 32 bit"
    SQ "Sequence of items" SS "Signed 16 bit" ST "Short text" SV "Signed 64 bit" TM "Time"
    UC "Unlimited characters" UI "Unique identifier" UL "Unsigned 32 bit" UN "Unknown"
    UR "Locator" US "Unsigned 16 bit" UT "Unlimited text" UV "Unsigned 64 bit"
}

impl Vr {
    /// Whether explicit encodings give the length four bytes behind two reserved ones.
    pub(crate) const fn has_long_length(self) -> bool {
        use Vr::*;
        matches!(
            self,
            OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV
        )
    }

    /// Bytes of one binary number, 1 for bytes and text.
    pub(crate) const fn unit(self) -> usize {
        use Vr::*;
        match self {
            AT | OW | SS | US => 2,
            FL | OF | OL | SL | UL => 4,
            FD | OD | OV | SV | UV => 8,
            _ => 1,
        }
    }

    /// Whether the value is characters.
    #[must_use]
    pub const fn is_text(self) -> bool {
        use Vr::*;
        matches!(
            self,
            AE | AS | CS | DA | DS | DT | IS | LO | LT | PN | SH | ST | TM | UC | UI | UR | UT
        )
    }

    /// Whether `SpecificCharacterSet` decides what its bytes mean.
    pub(crate) const fn is_extensible_text(self) -> bool {
        use Vr::*;
        matches!(self, LO | LT | PN | SH | ST | UC | UT)
    }

    /// Whether a backslash parts values.
    pub(crate) const fn is_multi_valued_text(self) -> bool {
        self.is_text() && !matches!(self, Self::LT | Self::ST | Self::UR | Self::UT)
    }

    /// The byte that makes a length even.
    pub(crate) const fn padding(self) -> u8 {
        if self.is_text() && !matches!(self, Self::UI) {
            b' '
        } else {
            0
        }
    }
}

impl fmt::Display for Vr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

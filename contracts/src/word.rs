//! Enums whose variants are words: the same word in code, SQL, JSON, logs and screens.

/// The text is none of the words of this enum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a word of {of}")]
pub struct UnknownWord {
    /// What was found.
    pub text: String,
    /// The enum that it was read as.
    pub of: &'static str,
}

/// Declares an enum of unit variants with their words: `as_str`, `FromStr`, `Display`, serde and `ALL`; with the feature
/// `openapi` its schema as well. Whoever uses it depends on serde, and then on utoipa.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every variant, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as it stands in SQL and JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        $crate::schema_of_words! { $name }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownWord { text: text.chars().take(64).collect(), of: stringify!($name) }),
                }
            }
        }
    };
}

/// The schema of a declared enum: its words. A macro of its own, since a feature counts where a macro is declared.
#[doc(hidden)]
#[cfg(feature = "openapi")]
#[macro_export]
macro_rules! schema_of_words {
    ($name:ident) => {
        // By hand: the derive does not see a renaming that a macro wrote.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let words = Self::ALL.iter().map(|word| word.as_str());
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::SchemaType::new(utoipa::openapi::Type::String))
                    .enum_values(Some(words))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// No schema is wanted.
#[doc(hidden)]
#[cfg(not(feature = "openapi"))]
#[macro_export]
macro_rules! schema_of_words {
    ($name:ident) => {};
}

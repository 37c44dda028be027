//! The words of the vocabulary, as their stable names.

use serde::ser::{Serialize, Serializer};

use crate::{Category, Delivery, ErrorKind, Recovery};

macro_rules! as_label {
    ($($word:ident)+) => {$(
        /// As its label; what a label cannot hold is left out.
        impl Serialize for $word {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.label())
            }
        }
    )+};
}

as_label! { Category Delivery ErrorKind Recovery }

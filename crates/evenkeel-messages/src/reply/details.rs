use serde::ser::SerializeMap;

use crate::object::Object;
use crate::{Container, ContextManagementReport, Diagnostics, InputTransformation, StopDetails};

object! {
    /// What a reply may say besides its content: at its start, at its end, or both.
    ///
    /// What few replies have is boxed, as every reply is moved from hand to hand.
    ReplyDetails {} {
        /// About the stop, such as what a request was refused for.
        stop_details: Box<StopDetails>,
        /// The container that was used.
        container: Box<Container>,
        /// What the server removed from the conversation. Needs a beta.
        context_management: Box<ContextManagementReport>,
        /// What the server did to the thinking in the request. Needs a beta.
        input_transformations: Vec<InputTransformation>,
        /// Why the cache was missed, if that was asked.
        diagnostics: Box<Diagnostics>,
    } [] ()
}

impl Default for ReplyDetails {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplyDetails {
    /// Takes over what is said later; what is not said again stays.
    pub(crate) fn overwrite(&mut self, newer: &Self) {
        macro_rules! replace {
            ($($field:ident)*) => {
                $(if newer.$field.is_some() {
                    self.$field.clone_from(&newer.$field);
                })*
            };
        }
        replace!(stop_details container context_management input_transformations diagnostics);
        self.extra.overwrite(&newer.extra);
    }

    /// Writes the fields, but none of `modelled` a second time.
    pub(crate) fn write_beside<M: SerializeMap>(
        &self,
        map: &mut M,
        modelled: &[&str],
    ) -> Result<(), M::Error> {
        if self.extra.iter().all(|(name, _)| !modelled.contains(&name)) {
            return self.write(map);
        }
        let mut others = self.clone();
        others.extra.retain(|name| !modelled.contains(&name));
        others.write(map)
    }
}

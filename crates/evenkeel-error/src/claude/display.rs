//! One line for people and logs, and the same facts for `{:?}`.

use std::fmt;

use super::date::to_rfc3339;
use super::{Detail, Error};
use crate::ErrorKind;

/// Kind, status, type, and the id to quote; for what happened on our side, the few facts of it.
/// Never a URL, a header, a body or a key.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line { f, parts: 0 };
        line.f.write_str(self.label())?;
        if let Some(status) = self.status() {
            line.part(format_args!("status {status}"))?;
        }
        if let Some(error_type) = self.error_type() {
            line.part(format_args!("type {error_type}"))?;
        }
        self.local(&mut line)?;
        match (self.request_id(), self.cf_ray()) {
            (Some(id), _) => line.part(format_args!("request id {id}")),
            (None, Some(ray)) => line.part(format_args!("cf-ray {ray}")),
            (None, None) => Ok(()),
        }
    }
}

impl Error {
    fn local(&self, line: &mut Line<'_, '_>) -> fmt::Result {
        match self.detail() {
            Detail::TimedOut { phase, limit } => {
                line.part(format_args!("{} after {limit:?}", phase.label()))?;
            }
            Detail::Opened { by } => line.part(format_args!("opened by {by}"))?,
            _ => {}
        }
        if let Some(since) = self.refused_since().and_then(to_rfc3339) {
            line.part(format_args!("not sent, refused since {since}"))?;
        }
        match self.own_words() {
            Some(words) => line.part(format_args!("{}", OneLine(words))),
            None => Ok(()),
        }
    }

    /// The message, where it is ours and of a kind that it says something of: fit to be printed
    /// anywhere.
    pub(super) fn own_words(&self) -> Option<&str> {
        let tells = matches!(
            self.kind(),
            ErrorKind::Connection | ErrorKind::Protocol | ErrorKind::InvalidConfig
        );
        self.message().filter(|_| tells && self.inner.said.ours)
    }
}

struct Line<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    parts: usize,
}

impl Line<'_, '_> {
    fn part(&mut self, part: fmt::Arguments<'_>) -> fmt::Result {
        self.f
            .write_str(if self.parts == 0 { ": " } else { ", " })?;
        self.parts += 1;
        self.f.write_fmt(part)
    }
}

/// Words on one line, whatever their writer did.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.split_whitespace().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(word)?;
        }
        Ok(())
    }
}

/// Quoted for `{:?}`, as text is.
impl fmt::Debug for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// What `Display` says, by name: a failure that `main` returns is printed so.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Error");
        all.field("kind", &self.kind());
        if let Some(words) = self.own_words() {
            all.field("message", &OneLine(words));
        }
        match self.detail() {
            Detail::TimedOut { phase, limit } => {
                all.field("phase", phase).field("limit", limit);
            }
            Detail::Opened { by } => {
                all.field("opened_by", by);
            }
            _ => {}
        }
        if let Some(since) = self.refused_since().and_then(to_rfc3339) {
            all.field("refused_since", &since);
        }
        all.field("recovery", &self.inner.recovery)
            .field("delivery", &self.inner.delivery)
            .field("status", &self.status())
            .field("type", &self.error_type())
            .field("code", &self.code())
            .field("request_id", &self.request_id())
            .field("cf_ray", &self.cf_ray())
            .finish_non_exhaustive()
    }
}

//! Whether a kept token is used, refreshed early, or not used any more (IDC-10).

use std::time::Duration;

use doorward_types::Timestamp;

/// A token is not used in its last minutes: the request it goes out with takes time too.
const MARGIN: Duration = Duration::from_secs(300);

/// The times of a kept token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was obtained.
    pub obtained: Timestamp,
    /// When Entra wants it refreshed, if it said so: half of the life of a long-lived token.
    pub refresh: Option<Timestamp>,
    /// When it ends.
    pub expires: Timestamp,
}

/// What a kept token is good for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// It is used as it is.
    Yes,
    /// A new one is asked for; where none can be had, because Entra is away, this one is used.
    Ageing,
    /// It is of no use.
    Over,
}

impl Lifetime {
    /// Judges. A token from the future was obtained under another clock, and nothing is known about it.
    pub fn fresh(&self, now: Timestamp) -> Fresh {
        if now >= self.expires || self.obtained > now.plus(MARGIN) {
            return Fresh::Over;
        }
        let due = self.refresh.is_some_and(|due| now >= due);
        if due || self.expires.since(now) <= MARGIN { Fresh::Ageing } else { Fresh::Yes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: IDC-10: a token is refreshed five minutes before its end, and earlier where Entra asks for it
    #[test]
    fn a_token_is_left_before_it_ends() {
        let at = Timestamp::from_secs;
        let life =
            |refresh: Option<i64>| Lifetime { obtained: at(0), refresh: refresh.map(at), expires: at(3600) };
        for (now, refresh, expected) in [
            (0, None, Fresh::Yes),
            (3299, None, Fresh::Yes),
            (3300, None, Fresh::Ageing),
            (3599, None, Fresh::Ageing),
            (3600, None, Fresh::Over),
            (1799, Some(1800), Fresh::Yes),
            (1800, Some(1800), Fresh::Ageing),
            (-299, None, Fresh::Yes),
            (-301, None, Fresh::Over),
        ] {
            assert_eq!(life(refresh).fresh(at(now)), expected, "{now} {refresh:?}");
        }
    }
}

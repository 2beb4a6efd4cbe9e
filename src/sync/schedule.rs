//! [`Schedule`]: when a target is synchronised by itself: every so often, or at the times of a crontab line.

use cronexpr::{Crontab, MakeTimestamp, parse_crontab};
use jiff::tz::TimeZone;

use crate::clock::{SignedDuration, Timestamp};

/// When.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// So long after the last run began.
    Every(SignedDuration),
    /// At these times.
    At(Box<Crontab>),
}

/// Why a line says no times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Neither a length of time nor five fields.
    #[error("\"{written}\" is no schedule: {cause}")]
    Crontab {
        /// As it was written.
        written: String,
        /// What is wrong.
        cause: String,
    },
    /// The five fields want a time zone that has a name.
    #[error("the time zone has no name")]
    Zone,
    /// No such moment will come.
    #[error("\"{0}\" never comes")]
    Never(String),
}

impl Schedule {
    /// Five fields (minute, hour, day of the month, month, day of the week), in a time zone.
    pub fn crontab(written: &str, zone: &TimeZone, now: Timestamp) -> Result<Self, ScheduleError> {
        let zone = zone.iana_name().ok_or(ScheduleError::Zone)?;
        let wrong = |cause: cronexpr::Error| ScheduleError::Crontab {
            written: written.to_owned(),
            cause: cause.to_string().lines().last().unwrap_or_default().trim().to_owned(),
        };
        let crontab = parse_crontab(&format!("{written} {zone}")).map_err(wrong)?;
        let schedule = Self::At(Box::new(crontab));
        schedule.next(None, now).map(|_| schedule).ok_or_else(|| ScheduleError::Never(written.to_owned()))
    }

    /// The next time after `now`, when the last run began at `last`; `now` itself when it is overdue.
    pub fn next(&self, last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(time) => match last {
                None => Some(now),
                Some(last) => Some(last.checked_add(*time).ok()?.max(now)),
            },
            Self::At(crontab) => {
                let next = crontab.find_next(MakeTimestamp(last.unwrap_or(now))).ok()?;
                Some(next.timestamp().max(now))
            }
        }
    }

    /// The same beside a server that began at `start`: where there was no run yet, the times of a crontab count from then.
    pub fn due(&self, last: Option<Timestamp>, start: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(_) => self.next(last, now),
            Self::At(_) => self.next(last.or(Some(start)), now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn tokyo(written: &str) -> Result<Schedule, ScheduleError> {
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        Schedule::crontab(written, &zone, at("2026-11-26T00:00:00Z"))
    }

    #[test]
    fn a_length_of_time_counts_from_the_last_run() {
        let every = Schedule::Every(SignedDuration::from_mins(40));
        let now = at("2026-11-26T10:00:00Z");
        assert_eq!(every.next(None, now), Some(now));
        assert_eq!(every.next(Some(at("2026-11-26T09:50:00Z")), now), Some(at("2026-11-26T10:30:00Z")));
        assert_eq!(every.next(Some(at("2026-11-20T00:00:00Z")), now), Some(now), "overdue");
    }

    #[test]
    fn a_crontab_is_read_in_the_time_zone_of_the_configuration() {
        let daily = tokyo("30 3 * * *").unwrap();
        let now = at("2026-11-26T10:00:00Z");
        assert_eq!(daily.next(None, now), Some(at("2026-11-26T18:30:00Z")));
        assert_eq!(
            daily.next(Some(at("2026-11-26T18:30:00Z")), at("2026-11-26T18:30:05Z")),
            Some(at("2026-11-27T18:30:00Z"))
        );
        assert_eq!(daily.next(Some(at("2026-11-20T18:30:00Z")), now), Some(now), "missed while nobody ran");
    }

    #[test]
    fn a_crontab_comes_due_without_a_run_before() {
        let daily = tokyo("30 3 * * *").unwrap();
        let (start, due) = (at("2026-11-26T10:00:00Z"), at("2026-11-26T18:30:00Z"));
        assert_eq!(daily.due(None, start, at("2026-11-26T18:29:59Z")), Some(due));
        assert_eq!(daily.due(None, start, at("2026-11-26T18:30:05Z")), Some(at("2026-11-26T18:30:05Z")));
        assert_eq!(daily.due(Some(due), start, at("2026-11-26T18:31:00Z")), Some(at("2026-11-27T18:30:00Z")));
    }

    #[test]
    fn what_says_no_times_is_refused() {
        for written in ["", "40", "61 * * * *", "* * * *", "0 3 * * * * *"] {
            assert!(matches!(tokyo(written), Err(ScheduleError::Crontab { .. })), "{written}");
        }
        let fixed = TimeZone::fixed(jiff::tz::offset(9));
        let now = at("2026-11-26T00:00:00Z");
        assert_eq!(Schedule::crontab("0 3 * * *", &fixed, now).unwrap_err(), ScheduleError::Zone);
    }
}

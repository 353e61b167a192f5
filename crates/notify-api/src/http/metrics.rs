//! A status in the text format of Prometheus, version 0.0.4.
//!
//! A label `target` has only names of the configuration and of the lanes that are
//! always there; what is with other targets is added up under `(other)`. That is
//! there from the beginning, too: of a counter that comes into being with its
//! first step, nobody sees the step.

use std::fmt;

use notify_bus::OTHERS;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::Status;
use crate::status::{Breaker, Durations, Queue, TargetSinceStart, TargetStatus};

pub(super) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

pub(super) fn text(status: Status) -> String {
    let mut registry = Registry::with_prefix("notify");
    registry.register_collector(Box::new(Sample(status)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).expect("a string takes any text");
    text
}

#[derive(Debug)]
struct Sample(Status);

impl Collector for Sample {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut sheet = Sheet(encoder);
        self.daemon(&mut sheet)?;
        self.attempts(&mut sheet)?;
        self.targets(&mut sheet)?;
        self.queues(&mut sheet)
    }
}

/// No label.
const ALONE: [(&str, &str); 0] = [];

impl Sample {
    /// What is no target's.
    fn daemon(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let status = &self.0;
        let version = [("version", status.version.as_str())];
        sheet.gauges("build_info", "The version of the daemon.", [(version, 1)])?;
        sheet.gauges(
            "ready",
            "1 when events are taken and delivered.",
            [(ALONE, i64::from(status.problems.is_empty()))],
        )?;
        sheet.counters(
            "events_accepted",
            "Events that were accepted since the start.",
            [(ALONE, status.since_start.accepted)],
        )?;
        sheet.counters(
            "events_known",
            "Events that came again since the start.",
            [(ALONE, status.since_start.known)],
        )?;
        sheet.counters(
            "events_refused",
            "Events that the spool could not take since the start.",
            [(ALONE, status.since_start.refused)],
        )?;
        let deliveries = &status.deliveries;
        sheet.counters(
            "deliveries_accepted",
            "Deliveries that the spool ever took.",
            [(ALONE, deliveries.accepted)],
        )?;
        let states = [
            ("pending", deliveries.pending),
            ("delivered", deliveries.delivered),
            ("dead", deliveries.dead),
            ("cancelled", deliveries.cancelled),
        ];
        sheet.gauges(
            "deliveries",
            "Deliveries that the spool ever took, by the state that they are in or were in at last.",
            states.map(|(state, number)| ([("state", state)], count(number))),
        )?;
        sheet.gauges(
            "spool_bytes",
            "The size of the spool on disk.",
            [(ALONE, count(status.spool_bytes))],
        )
    }

    /// What was tried since the start.
    fn attempts(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let attempts = self.counted().flat_map(|(name, counted)| {
            let attempts = counted.attempts.iter();
            attempts.map(move |(outcome, number)| ([name, ("outcome", *outcome)], *number))
        });
        sheet.counters("attempts", "Attempts to deliver since the start.", attempts)?;
        let settled = self.counted().flat_map(|(name, counted)| {
            let states = [("delivered", counted.delivered), ("dead", counted.dead)];
            states.map(|(state, number)| ([name, ("state", state)], number))
        });
        sheet.counters(
            "deliveries_settled",
            "Deliveries that came to their end since the start.",
            settled,
        )?;
        let durations = self.counted();
        sheet.histograms(
            "attempt_duration_seconds",
            "How long attempts took.",
            durations.map(|(name, counted)| ([name], &counted.durations)),
        )
    }

    /// How the targets stand.
    fn targets(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let states = [
            ("closed", Breaker::Closed),
            ("open", Breaker::Open),
            ("resting", Breaker::Resting),
            ("half-open", Breaker::HalfOpen),
        ];
        let breakers = self.labelled().flat_map(|(name, target)| {
            states
                .map(|(word, state)| ([name, ("state", word)], i64::from(target.breaker == state)))
        });
        sheet.gauges(
            "breaker",
            "1 for the state that the breaker of a target is in.",
            breakers,
        )?;
        type Gauge = fn(&TargetStatus) -> i64;
        let gauges: [(&str, &str, Gauge); 4] = [
            ("in_flight", "Deliveries that are under way.", |target| {
                count(target.in_flight as u64)
            }),
            (
                "failures_in_a_row",
                "Attempts that failed since the last that did not.",
                |target| i64::from(target.failures),
            ),
            (
                "target_usable",
                "1 when the configuration of a target has no fault that stops it.",
                |target| i64::from(target.unusable.is_none()),
            ),
            (
                "target_disabled",
                "1 when a target is switched off.",
                |target| i64::from(target.disabled),
            ),
        ];
        for (name, help, gauge) in gauges {
            let values = self.labelled();
            sheet.gauges(
                name,
                help,
                values.map(|(name, target)| ([name], gauge(target))),
            )?;
        }
        Ok(())
    }

    /// What waits.
    fn queues(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let known = self.labelled().map(|(_, target)| target.queue.clone());
        let queues: Vec<Queue> = known.chain([self.others()]).collect();
        let gauge = |value: fn(&Queue, i64) -> i64| {
            let values = queues.iter();
            values.map(move |queue| {
                let label = ("target", queue.name.as_str());
                ([label], value(queue, self.0.now_ms))
            })
        };
        sheet.gauges(
            "queue_pending",
            "Deliveries to be made or being made.",
            gauge(|queue, _| count(queue.pending)),
        )?;
        sheet.gauges(
            "queue_dead",
            "Deliveries that were given up and are still in the spool.",
            gauge(|queue, _| count(queue.dead)),
        )?;
        sheet.gauges(
            "queue_oldest_seconds",
            "How long the oldest pending delivery waits; 0 when there is none.",
            gauge(|queue, now_ms| {
                let oldest = queue.oldest_ms.unwrap_or(now_ms);
                now_ms.saturating_sub(oldest).max(0) / 1000
            }),
        )
    }

    fn labelled(&self) -> impl Iterator<Item = ((&'static str, &str), &TargetStatus)> {
        let targets = self.0.targets.iter().chain(&self.0.lanes);
        targets.map(|target| (("target", target.queue.name.as_str()), target))
    }

    /// What was counted for each, and for all others together.
    fn counted(&self) -> impl Iterator<Item = ((&'static str, &str), &TargetSinceStart)> {
        let others = (("target", OTHERS), &self.0.strangers_since_start);
        let known = self.labelled().map(|(name, it)| (name, &it.since_start));
        known.chain([others])
    }

    fn others(&self) -> Queue {
        let strangers = &self.0.strangers;
        Queue {
            name: OTHERS.to_owned(),
            pending: strangers.iter().map(|queue| queue.pending).sum(),
            dead: strangers.iter().map(|queue| queue.dead).sum(),
            oldest_ms: strangers.iter().filter_map(|queue| queue.oldest_ms).min(),
            next_ms: None,
        }
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Where metrics are written; one without values is left out.
struct Sheet<'s>(DescriptorEncoder<'s>);

impl Sheet<'_> {
    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        self.each(
            (name, help, MetricType::Counter),
            values,
            |mut metric, value| metric.encode_counter::<NoLabelSet, u64, f64>(&value, None),
        )
    }

    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, i64)>,
    ) -> fmt::Result {
        self.each(
            (name, help, MetricType::Gauge),
            values,
            |mut metric, value| metric.encode_gauge(&value),
        )
    }

    fn histograms<'t, L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, &'t Durations)>,
    ) -> fmt::Result {
        self.each(
            (name, help, MetricType::Histogram),
            values,
            |mut metric, taken| {
                metric.encode_histogram::<NoLabelSet>(taken.sum, taken.count, &taken.classes, None)
            },
        )
    }

    fn each<L: EncodeLabelSet, V>(
        &mut self,
        (name, help, kind): (&str, &str, MetricType),
        values: impl IntoIterator<Item = (L, V)>,
        write: impl Fn(MetricEncoder<'_>, V) -> fmt::Result,
    ) -> fmt::Result {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        let mut metric = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in values {
            write(metric.encode_family(&labels)?, value)?;
        }
        Ok(())
    }
}

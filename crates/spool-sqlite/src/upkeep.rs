//! The contract of upkeep.

use std::path::Path;

use async_trait::async_trait;
use notify_core::{Found, Millis, Retention, SpoolError, Swept, Upkeep};
use tokio::sync::mpsc;

use crate::spool::SqliteSpool;
use crate::{backup, sweep, verify};

#[async_trait]
impl Upkeep for SqliteSpool {
    async fn verify(
        &self,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<Vec<Found>, SpoolError> {
        let (tell, told) = mpsc::unbounded_channel();
        let checked = self.readers.read(move |now| {
            // A listener that is gone does not matter.
            verify::verify(now, &mut |part| _ = tell.send(part))
        });
        listened(checked, told, progress).await
    }

    async fn backup(
        &self,
        to: &Path,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(), SpoolError> {
        let (tell, told) = mpsc::unbounded_channel();
        let (from, to) = (self.path.clone(), to.to_owned());
        let copied = self
            .readers
            .apart(move || backup::backup(&from, &to, &mut |part| _ = tell.send(part)));
        listened(copied, told, progress).await
    }

    async fn sweep(&self, retention: &Retention, now: Millis) -> Result<Swept, SpoolError> {
        let writer = self.writer()?;
        let walk = self.walk().clone();
        let retention = retention.clone();
        let (chosen, is_loose) = self
            .readers
            .read(move |moment| {
                let chosen = sweep::chosen(moment, &retention, now, walk)?;
                Ok((chosen, sweep::is_loose(moment)?))
            })
            .await?;
        let (events, next) = (chosen.events, chosen.next);
        let (removed, dead_early) = match events.is_empty() {
            true => (0, 0),
            false => {
                let remove = writer.call(0, move |batch| sweep::remove(batch, &events));
                remove.await?
            }
        };
        if is_loose {
            writer.call(0, sweep::shrink).await?;
        }
        let more = next.is_some() || is_loose;
        *self.walk() = next.unwrap_or_default();
        Ok(Swept {
            events: removed,
            dead_early,
            more,
        })
    }
}

/// Waits for work on another thread and passes on what it tells.
async fn listened<T>(
    work: impl Future<Output = Result<T, SpoolError>>,
    mut told: mpsc::UnboundedReceiver<f64>,
    progress: &(dyn Fn(f64) + Send + Sync),
) -> Result<T, SpoolError> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            Some(part) = told.recv() => progress(part),
            done = &mut work => {
                // What was told while the work came to its end.
                while let Ok(part) = told.try_recv() {
                    progress(part);
                }
                return done;
            }
        }
    }
}

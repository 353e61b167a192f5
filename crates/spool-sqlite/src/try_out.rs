//! Whether the database can be written.

use crate::batch::Batch;
use crate::fault::Failed;

/// Writes what was there. Each of the two statements alone changes its page, which is therefore
/// written.
pub(crate) fn try_out(batch: &mut Batch<'_>) -> Result<(), Failed> {
    batch.run("UPDATE floor SET event = event + 1", [])?;
    batch.run("UPDATE floor SET event = event - 1", [])?;
    Ok(())
}

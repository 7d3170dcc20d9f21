//! Bounds on the size of a picture.

/// Upper bound on the pixels of a picture, because every viewer has to decode them all.
const MAX_PIXELS: u64 = 100_000_000;

/// Refuses a picture without a size, and one that is too large.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), &'static str> {
    match u64::from(width) * u64::from(height) {
        0 => Err("its picture has no size"),
        pixels if pixels > MAX_PIXELS => Err("its picture has more than 100 million pixels"),
        _ => Ok(()),
    }
}

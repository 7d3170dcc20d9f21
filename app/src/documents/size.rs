//! How large a picture may be.

/// The most pixels of a picture: whoever looks at it has to unfold them.
const MOST_PIXELS: u64 = 100_000_000;

/// Refuses a picture without a size, and one that is too large.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), &'static str> {
    match u64::from(width) * u64::from(height) {
        0 => Err("its picture has no size"),
        pixels if pixels > MOST_PIXELS => Err("its picture has more than 100 million pixels"),
        _ => Ok(()),
    }
}

//! How kept tensors are laid out in mappable buffers.

use referee::graph::Slot;

/// A mappable buffer with the kept tensors that are copied into it.
pub(super) struct Readback {
    pub buffer: wgpu::Buffer,
    pub bytes: u64,
    pub parts: Vec<Part>,
}

/// Where a kept tensor lies in a mappable buffer.
pub(super) struct Part {
    pub slot: Slot,
    pub offset: u64,
    pub bytes: usize,
}

/// Bytes of the whole words that hold `bytes`.
pub(super) fn words(bytes: usize) -> u64 {
    (bytes as u64).next_multiple_of(4)
}

/// Lays tensors out in as few buffers as a buffer's limit allows.
pub(super) fn readback_parts(tensors: impl Iterator<Item = (Slot, usize)>, limit: u64) -> Vec<Vec<Part>> {
    let mut buffers: Vec<Vec<Part>> = Vec::new();
    let mut used = 0;
    for (slot, bytes) in tensors {
        match buffers.last_mut() {
            Some(parts) if used + words(bytes) <= limit => parts.push(Part { slot, offset: used, bytes }),
            _ => {
                used = 0;
                buffers.push(vec![Part { slot, offset: 0, bytes }]);
            }
        }
        used += words(bytes);
    }
    buffers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_tensors_fill_buffers_up_to_the_limit_without_overlap() {
        let layout = |limit| -> Vec<Vec<(Slot, u64, usize)>> {
            let tensors = [(1, 5), (4, 8), (6, 1), (7, 16)].into_iter();
            let parts = |parts: Vec<Part>| parts.iter().map(|part| (part.slot, part.offset, part.bytes)).collect();
            readback_parts(tensors, limit).into_iter().map(parts).collect()
        };
        assert_eq!(layout(100), [vec![(1, 0, 5), (4, 8, 8), (6, 16, 1), (7, 20, 16)]]);
        assert_eq!(layout(16), [vec![(1, 0, 5), (4, 8, 8)], vec![(6, 0, 1)], vec![(7, 0, 16)]]);
    }
}

//! Huffman codes (T.81 annex C and section F.2.2.3).

use super::bits::Bits;

/// Codes up to this length are looked up at once.
const FAST: u32 = 9;

/// A prefix code of up to 16 bits.
pub(super) struct Table {
    /// Symbol and length by the first nine bits; length 0 if the code is longer.
    fast: Box<[(u8, u8); 1 << FAST]>,
    /// By length: the first code beyond those of it, left-aligned to 16 bits.
    limits: [u32; 17],
    /// By length: what to add to a code to get the place of its symbol.
    places: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// The code with so many symbols of each length; none if there cannot be one.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut fast = Box::new([(0_u8, 0_u8); 1 << FAST]);
        let (mut limits, mut places) = ([0_u32; 17], [0_i32; 17]);
        let (mut code, mut at) = (0_u32, 0_usize);
        let lengths = limits.iter_mut().zip(&mut places).skip(1).zip(counts);
        for (length, ((limit, place), &count)) in (1_u32..).zip(lengths) {
            code <<= 1;
            *place = at as i32 - code as i32;
            for _ in 0..count {
                if length <= FAST {
                    let shift = FAST - length;
                    let first = (code << shift) as usize;
                    let entries = fast.get_mut(first..first + (1 << shift))?;
                    entries.fill((*symbols.get(at)?, length as u8));
                }
                code += 1;
                at += 1;
            }
            if code > 1 << length {
                return None;
            }
            *limit = code << (16 - length);
        }
        Some(Self {
            fast,
            limits,
            places,
            symbols: symbols.to_vec(),
        })
    }

    /// Reads a symbol; none if the bits are no code.
    #[inline]
    pub(super) fn read(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let head = bits.peek16();
        let (symbol, length) = *self.fast.get(usize::from(head >> (16 - FAST)))?;
        if length > 0 {
            bits.skip(u32::from(length));
            return Some(symbol);
        }
        self.read_long(head, bits)
    }

    #[cold]
    fn read_long(&self, head: u16, bits: &mut Bits<'_>) -> Option<u8> {
        let found = { (1_u32..).zip(self.limits.iter().zip(&self.places).skip(1)) }
            .find(|(_, (limit, _))| u32::from(head) < **limit);
        let (length, (_, place)) = found?;
        let code = i32::from(head >> (16 - length));
        bits.skip(length);
        self.symbols
            .get(usize::try_from(code + place).ok()?)
            .copied()
    }
}

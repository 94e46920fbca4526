// Offsets of the server count characters, those of JavaScript UTF-16 units; they differ beyond
// the basic plane.

export class Offsets {
  constructor(text) {
    this.units = null; // the unit at which each character begins
    if (/[\ud800-\udfff]/.test(text)) {
      this.units = [];
      let at = 0;
      for (const character of text) {
        this.units.push(at);
        at += character.length;
      }
      this.units.push(at);
    }
  }

  toUnit(character) {
    return this.units ? this.units[Math.min(character, this.units.length - 1)] : character;
  }

  toCharacter(unit) {
    if (!this.units) return unit;
    let low = 0;
    let high = this.units.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.units[middle] < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

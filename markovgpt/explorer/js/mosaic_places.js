// Where each window has its cell: the mapping of markovgpt/export/mosaic.py, and the layout of the tiles in pixels.
//
// The newest token picks the tile, older ones the tile within the tile. A tile is cut into R x C parts, filled row by
// row; at every second level it is C x R, so that the whole is nearly square.

// Times as long as high a tile may be cut.
const LONGEST_TILE = 3;
const TILE_LABEL_ROOM = 16;
// More tiles than these have no labels.
const MOST_TILES = 400;

// Into how many rows and columns a tile is cut: the fewest blank parts, of those the squarest.
export function tileGrid(vocabSize) {
  let best = null;
  const squarest = Math.ceil(Math.sqrt(vocabSize));
  for (let columns = squarest; columns <= Math.sqrt(3 * vocabSize) + 2; columns += 1) {
    const rows = Math.ceil(vocabSize / columns);
    if (columns > LONGEST_TILE * rows) continue;
    if (best === null || rows * columns < best[0] * best[1]) best = [rows, columns];
  }
  return best;
}

// {row, column: of each state; rows, columns: of the mosaic; grid: rows and columns of tiles; tileRows, tileColumns}
export function mosaicPlaces({ V, L }) {
  const grid = tileGrid(V);
  const cuts = Array.from({ length: L }, (_, level) => (level % 2 === 0 ? grid : [grid[1], grid[0]]));
  const rows = cuts.reduce((product, cut) => product * cut[0], 1);
  const columns = cuts.reduce((product, cut) => product * cut[1], 1);
  let [row, column] = [new Int32Array(1), new Int32Array(1)];
  let [height, width] = [rows, columns];
  for (const cut of cuts) {
    height /= cut[0];
    width /= cut[1];
    row = withOlderToken(row, V, (token) => Math.floor(token / cut[1]) * height);
    column = withOlderToken(column, V, (token) => (token % cut[1]) * width);
  }
  return { row, column, rows, columns, grid, tileRows: rows / grid[0], tileColumns: columns / grid[1] };
}

// The older token counts most in the number of a state.
function withOlderToken(places, V, shift) {
  const longer = new Int32Array(V * places.length);
  for (let token = 0; token < V; token += 1) {
    for (let state = 0; state < places.length; state += 1) {
      longer[token * places.length + state] = places[state] + shift(token);
    }
  }
  return longer;
}

// The state of each cell, row by row; -1 where there is none.
export function statesOfCells({ row, column, rows, columns }) {
  const states = new Int32Array(rows * columns).fill(-1);
  for (let state = 0; state < row.length; state += 1) states[row[state] * columns + column[state]] = state;
  return states;
}

// How large cells are within a width and a height, in pixels of the page. Cells are a whole number of the screen's own
// dots, so that all are equally large, unless that many cells have no room.
export function mosaicLayout(places, width, height, ratio) {
  const [gridRows, gridColumns] = places.grid;
  const labelled = gridRows * gridColumns <= MOST_TILES && width / gridColumns >= 14;
  const gap = labelled ? Math.max(2, Math.min(10, Math.round(width / gridColumns / 24))) : 0;
  const label = labelled ? TILE_LABEL_ROOM : 0;
  const across = (width - gap * (gridColumns - 1)) / places.columns;
  const down = (height - gridRows * label - gap * (gridRows - 1)) / places.rows;
  const dots = Math.min(across, Math.max(down, 0)) * ratio;
  const cell = (dots >= 1 ? Math.floor(dots) : Math.max(dots, (0.25 * width * ratio) / places.columns)) / ratio;
  const used = cell * places.columns + gap * (gridColumns - 1);
  return {
    cell,
    gap,
    label,
    width,
    places,
    left: Math.round((width - used) / 2),
    height: cell * places.rows + gridRows * label + gap * (gridRows - 1),
    stepAcross: cell * places.tileColumns + gap,
    stepDown: cell * places.tileRows + gap + label,
  };
}

// The left top corner of a cell.
export function cellCorner(layout, row, column) {
  const { tileRows, tileColumns } = layout.places;
  return [
    layout.left + Math.floor(column / tileColumns) * layout.stepAcross + (column % tileColumns) * layout.cell,
    layout.label + Math.floor(row / tileRows) * layout.stepDown + (row % tileRows) * layout.cell,
  ];
}

// The row and the column of the cell at a point, or null between the tiles.
export function cellAt(layout, x, y) {
  const { tileRows, tileColumns, grid } = layout.places;
  const [right, down] = [x - layout.left, y - layout.label];
  const [tileColumn, tileRow] = [Math.floor(right / layout.stepAcross), Math.floor(down / layout.stepDown)];
  const column = Math.floor((right - tileColumn * layout.stepAcross) / layout.cell);
  const row = Math.floor((down - tileRow * layout.stepDown) / layout.cell);
  const inTile = column >= 0 && row >= 0 && column < tileColumns && row < tileRows;
  const inGrid = tileColumn >= 0 && tileRow >= 0 && tileColumn < grid[1] && tileRow < grid[0];
  return inTile && inGrid ? [tileRow * tileRows + row, tileColumn * tileColumns + column] : null;
}

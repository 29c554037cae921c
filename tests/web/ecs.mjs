// What of each line of its standard input does not hold to the published fields of the Elastic Common Schema (npm @elastic/ecs): a JSON list a line.
import { createInterface } from 'node:readline';
import ecs from '@elastic/ecs';

const { EcsFlat: fields } = ecs;
const words = (value) => typeof value === 'string';
const kinds = {
  keyword: words, constant_keyword: words, match_only_text: words, wildcard: words,
  ip: (value) => words(value) && /^[0-9a-f.:]+$/.test(value),
  date: (value) => words(value) && !Number.isNaN(Date.parse(value)),
  long: Number.isSafeInteger,
};

function wrongValue(name, value, field) {
  const isList = field.normalize.includes('array');
  if (Array.isArray(value) !== isList)
    return [`${name}: a list, or none`];
  return [value].flat().flatMap((one) => {
    const allowed = field.allowed_values?.map((row) => row.name);
    if (!(field.type in kinds) || !kinds[field.type](one))
      return [`${name}: no ${field.type}`];
    return allowed && !allowed.includes(one) ? [`${name}: ${one} is not allowed`] : [];
  });
}

// custom: fields of our own, which have to stand below a name that the schema does not have.
function wrongFields(object, prefix) {
  return Object.entries(object).flatMap(([key, value]) => {
    const name = prefix + key;
    if (fields[name])
      return wrongValue(name, value, fields[name]);
    if (prefix === '' && !Object.keys(fields).some((known) => known.startsWith(key + '.')))
      return key === 'framewall' ? [] : [`${name}: no field`];
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? wrongFields(value, name + '.') : [`${name}: no field`];
  });
}

// Which types a category may have.
function wrongTypes({ category, type }) {
  return category.flatMap((one) => {
    const expected = fields['event.category'].allowed_values.find((row) => row.name === one)?.expected_event_types ?? [];
    return type.filter((each) => !expected.includes(each)).map((each) => `event.type: ${each} of ${one}`);
  });
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const event = JSON.parse(line);
  const missing = Object.values(fields).filter((field) => field.required).map((field) => field.flat_name)
    .filter((name) => name.split('.').reduce((at, key) => at?.[key], event) === undefined);
  console.log(JSON.stringify([...wrongFields(event, ''), ...wrongTypes(event.event), ...missing.map((name) => `${name}: missing`)]));
}

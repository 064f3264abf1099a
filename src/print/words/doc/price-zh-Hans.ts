import type { PriceWords } from './price-words.ts';

const of = (name: string | null): string => (name === null ? '' : `“${name}”`);

/** What a price list says in simplified Chinese. */
export const PRICE_ZH_HANS: PriceWords = {
  title: '价目表',
  inForce: '现行价格',
  asOf: '价格基准日',
  item: '项目',
  price: '价格',
  none: '目前没有方案。',
  free: '免费',
  service: '服务费',
  traffic: (name, counted) => `${of(name)}流量（${counted}）`,
  counting: { sum: '接收 + 发送', in: '接收', out: '发送', max: '接收与发送较大者' },
  percentile: (name) => `${of(name)}带宽（5 分钟时段的第 95 百分位）`,
  included: (amount) => `每个计费期含 ${amount}`,
  tier: ({ after, upTo, unit }) =>
    upTo === null
      ? after === null
        ? '每单位'
        : `超过 ${after} ${unit} 的部分`
      : after === null
        ? `${upTo} ${unit} 以内`
        : `${after} 至 ${upTo} ${unit} 的部分`,
  volume: ({ after, upTo, unit }) =>
    upTo === null ? (after === null ? '全部' : `超过 ${after} ${unit} 时，全部`) : `${upTo} ${unit} 以内时，全部`,
  startedUnits: '不足一个单位的按一个单位计。',
  perUnit: (price, unit) => `${price} / ${unit}`,
  interfaces: (patterns) => `网络接口 ${patterns.join('、')}`,
  minimum: '服务费、流量费与固定费合计的最低金额',
  maximum: '服务费、流量费与固定费合计的最高金额',
  flat: '固定费',
  setup: '开通费',
  handling: '退款时按条款扣除的手续费',
  perPeriod: (price) => `${price} / 期`,
  once: (price) => `${price}（一次）`,
  fees: (title) => `“${title}”条款的费用`,
  each: (price) => `每次 ${price}`,
  lateFee: '逾期款项的滞纳金',
  percentPerDay: (percent) => `每日 ${percent} %`,
  termsOf: (title) => `适用条款：${title}`,
  remarksHead: '说明',
  remarks: [
    '不足一月按日计费，不足一日按分钟计费。',
    '价格不含税；税款按账户适用的税率另计。',
    '包含的流量、档位、最低与最高金额及固定费均以计费期为准；不足一期的按比例计算。',
  ],
};

import type { PriceWords } from './price-words.ts';

const of = (name: string | null): string => (name === null ? '' : `「${name}」`);

/** What a price list says in traditional Chinese. */
export const PRICE_ZH_HANT: PriceWords = {
  title: '價目表',
  inForce: '現行價格',
  asOf: '價格基準日',
  item: '項目',
  price: '價格',
  none: '目前沒有方案。',
  free: '免費',
  service: '服務費',
  traffic: (name, counted) => `${of(name)}流量（${counted}）`,
  counting: { sum: '接收 + 傳送', in: '接收', out: '傳送', max: '接收與傳送較大者' },
  percentile: (name) => `${of(name)}頻寬（5 分鐘時段之第 95 百分位）`,
  included: (amount) => `每個計費期間含 ${amount}`,
  tier: ({ after, upTo, unit }) =>
    upTo === null
      ? after === null
        ? '每單位'
        : `超過 ${after} ${unit} 之部分`
      : after === null
        ? `${upTo} ${unit} 以內`
        : `${after} 至 ${upTo} ${unit} 之部分`,
  volume: ({ after, upTo, unit }) =>
    upTo === null ? (after === null ? '全部' : `超過 ${after} ${unit} 時，全部`) : `${upTo} ${unit} 以內時，全部`,
  startedUnits: '不足一單位以一單位計。',
  perUnit: (price, unit) => `${price} / ${unit}`,
  interfaces: (patterns) => `網路介面 ${patterns.join('、')}`,
  minimum: '服務費、流量費與固定費合計之最低金額',
  maximum: '服務費、流量費與固定費合計之最高金額',
  flat: '固定費',
  setup: '開通費',
  handling: '退款時依條款扣除之手續費',
  perPeriod: (price) => `${price} / 期`,
  once: (price) => `${price}（一次）`,
  fees: (title) => `「${title}」條款之費用`,
  each: (price) => `每次 ${price}`,
  lateFee: '逾期款項之滯納金',
  percentPerDay: (percent) => `每日 ${percent} %`,
  termsOf: (title) => `適用條款：${title}`,
  remarksHead: '說明',
  remarks: [
    '不足一月按日計費，不足一日按分鐘計費。',
    '價格未含稅；稅款按帳戶適用之稅率另計。',
    '內含流量、級距、最低與最高金額及固定費均以計費期間為準；不足一期者按比例計算。',
  ],
};

import type { EventKind } from '../../domain/event-kinds.ts';
import type { NotedField } from '../../rating/note.ts';
import type { AboutSay, Sayings } from '../../rating/say.ts';
import { DOC_ZH_HANT } from './doc/zh-Hant.ts';
import { REFUND_ZH_HANT } from './doc/refund-zh-Hant.ts';
import { PRICE_ZH_HANT } from './doc/price-zh-Hant.ts';
import { STATEMENT_ZH_HANT } from './doc/statement-zh-Hant.ts';
import { describe } from './legacy.ts';
import { hoursText, sayIn, sizeName, type Words } from './words.ts';

/** What is printed in traditional Chinese. */
const COUNTING = {
  sum: '接收 + 傳送',
  in: '接收',
  out: '傳送',
  max: '接收與傳送較大者',
} as const;

const FEES: Readonly<Record<EventKind, string>> = {
  payment: '付款',
  refund: '退款',
  terms_violated: '違反條款',
  abuse: '濫用',
  harm: '損害其他用戶',
  dispute: '付款爭議',
  dispute_closed: '付款爭議已結束',
  malicious_trial: '惡意試用',
  withdrawn: '產品下架',
  verification_refused: '拒絕驗證',
  suspended: '暫停服務',
  resumed: '恢復服務',
  reminder: '催款',
  expired: '期滿',
  ended: '終止服務',
  deletion_due: '待刪除',
  credit_claimed: '申請抵免',
  ip_replaced: '更換 IP 位址',
  ip_unusable: '更換無法使用的 IP 位址',
  ip_blocked: '更換遭封鎖的 IP 位址',
};

const ABOUT: Sayings<AboutSay> = {
  service: ({ plans }) => `服務費，方案 ${plans.join(', ')}`,
  traffic: ({ counting, plan, class: of }) => `${of === undefined ? '' : `「${of}」`}流量（${COUNTING[counting]}），方案 ${plan}`,
  percentile: ({ direction, plan, class: of }) =>
    `${of === undefined ? '' : `「${of}」流量`}第 95 百分位頻寬（${direction === 'sum' ? COUNTING.sum : '較大方向'}），方案 ${plan}`,
  flat: ({ plan }) => `固定費用，方案 ${plan}`,
  setup: ({ plan }) => `開通費，方案 ${plan}`,
  minimum: ({ plan }) => `補足方案 ${plan} 的最低消費`,
  maximum: ({ plan }) => `減至方案 ${plan} 的最高費用`,
  add_on: ({ name }) => name,
  discount: ({ name, percent }) => (percent === undefined ? `優惠：${name}` : `優惠 ${percent} %：${name}`),
  credit: ({ minutes }) => `不可用 ${minutes} 分鐘之抵免`,
  fee: ({ event }) => `費用：${FEES[event]}`,
  charge: ({ kind, text }) => (kind === 'handling' ? '退款手續費' : text),
  late_fee: ({ invoice }) => `帳單 ${invoice} 之滯納金`,
  late_charges: () => '預付餘額不足以支付之每日費用的滯納金',
  tax: ({ percent, name }) => `${name ?? '稅'} ${percent} %`,
  correction: ({ invoice, line, of }) =>
    `更正帳單 ${invoice} ${line === null ? '遺漏之項目' : `第 ${line} 行`}：${sayIn(ABOUT, of)}`,
  as_written: ({ text }) => describe(text, 'zh-Hant'),
};

const CHARGED = {
  one_off: '依決定收取',
  quoted: '依報價收取',
  damage: '損害賠償',
  handling: '退款時扣留之手續費',
} as const;

const FORMULA: Words['formula'] = {
  price_per_day: () => '每個當地日費用 D = P（日價）',
  price_per_hour: () => '每個當地日費用 D = P x 當日小時數（23、24 或 25）',
  price_per_month: () => 'N 天的月份中第 d 天（由 0 起）費用 D = floor(P(d+1)/N) - floor(P d/N)',
  price_per_minute: () => 'M 分鐘的日子中第 k 分鐘費用 floor(D(k+1)/M) - floor(D k/M)',
  average: () => '單價為平均值',
  credit_by_time: () => '每個當地日分別計算：min(上限 x D, 倍數 x 不可用分鐘的價值)',
  credit_by_percent: () => '費用的 min(上限, 每分鐘比例 x 不可用分鐘數)',
  credit_by_tier: () => '當月費用 x 當月可用率所達級距的比例',
  metered: ({ counting, started_units_whole: whole }) =>
    `（${COUNTING[counting]} - 內含流量，至少為 0）/ 單位流量${whole ? '，不足一單位以一單位計' : ''}`,
  tiers_volume: () => '全部數量按所在級距計價',
  tiers_graduated: () => '各級距分別計價',
  part_of_period: ({ minutes, of }) => `內含流量與各級距按該方案占服務分鐘數的比例 ${minutes} / ${of} 計`,
  share_of_minutes: ({ minutes, of }) => `按其占服務分鐘數的比例 ${minutes} / ${of} 計`,
  once: () => '首次使用該方案時收取一次',
  up_to_minimum: () => '最低消費 - 該方案各行（已捨入）',
  down_to_maximum: () => '最高費用 - 該方案各行（已捨入）',
  discount_percent: () => '所適用各行（已捨入）在其期間內部分之比例',
  discount_sum: () => '金額按時間計，如價格般分攤到服務之各分鐘',
  discount_most: () => '不超過這些行之餘額',
  percentile_rank: () => '5 分鐘時段流量由小到大第 ceil(0.95 n) 個，無流量時段為 0',
  percentile_rate: () => 'x 8 / 300 秒 / 10^6 x 單價',
  events: () => '需計費的已記錄事件數 x 費用',
  charge: ({ kind }) => CHARGED[kind],
  exchanged: ({ amount, currency, rate }) => `${amount} ${currency} x ${rate}`,
  late_days: () => '每個已開始之日起始時的欠款 x 費率',
  late_charge_days: () => '每個已開始之日起始時各筆欠費 x 費率',
  no_fee_on_fees: () => '單利：不對滯納金再計費',
  tax: () => '以上各行（已捨入）之和 x 稅率 / 100',
  correction: () => '該行重新計價結果 -（該行金額 - 先前已折讓金額 + 先前已補收金額）',
  by_hand: () => '依決定退還，稅額按各行稅率計算',
};

const UNIT: Words['unit'] = {
  day: () => '天',
  minute: () => '分鐘',
  event: () => '次',
  period: () => '期',
  piece: () => '項',
  correction: () => '更正',
  bytes: ({ size }) => (size === 1 ? '位元組' : (sizeName(size) ?? `${size} 位元組`)),
  mbit_per_second: () => 'Mbit/s',
  currency: ({ currency }) => currency,
};

const CAUSES: Words['causes'] = {
  provider: '供應商',
  third_party: '第三方',
  maintenance: '維護',
  force_majeure: '不可抗力',
  attack: '攻擊',
  customer: '客戶',
  arrears: '欠費',
  silent: '無回報',
};

const REASON: Words['reason'] = {
  incidents: ({ incidents }) =>
    `開立後記錄的事件：${incidents.map(({ id, cause, withdrawn }) => `${id} (${CAUSES[cause]}${withdrawn ? '，已撤回' : ''})`).join(', ')}`,
  claims: ({ claims }) => `開立後申請的抵免：${claims.map(({ event, vm }) => `${event} (${vm})`).join(', ')}`,
  restated: () => '開立後樣本、事件記錄或目錄有所更正',
  refund: ({ check, vm, from, until }) => `${vm} 退款，退還期間 ${from} 至 ${until}（退款審核 ${check}）`,
  by_hand: ({ text }) => text,
};

const FIELDS: Readonly<Record<NotedField, string>> = {
  customer_name: '客戶名稱',
  customer_address: '客戶地址',
  customer_tax_id: '客戶統一編號',
  issuer_name: '開立單位名稱',
  issuer_address: '開立單位地址',
  issuer_payment: '開立單位之付款方式',
  customer_registration: '客戶登記號碼',
  customer_purchase_order: '客戶採購單號',
  issuer_registration: '開立單位登記號碼',
  issuer_payment_terms: '開立單位付款條件',
  titles: '方案或虛擬機之名稱',
  incident_notes: '事件之說明',
};

const NOTE: Words['note'] = {
  period_not_over: ({ ends_at: endsAt }) => `計費期間至 ${endsAt} 結束，計價時尚未結束`,
  no_issuer: () => '伺服器沒有開立單位資料（issuer.json）：本文件未載明開立單位、統一編號與銀行',
  event_outside_service: ({ vm, event, kind, at }) =>
    `${vm}：事件 ${event}（${FEES[kind]}，${at}）不在服務期間內，無方案計費；如應收取，請另行開立`,
  event_other_currency: ({ vm, event, fee, fee_currency: of, currency }) =>
    `${vm}：事件 ${event} 每次費用 ${fee} ${of}，帳戶幣別為 ${currency}：請連同匯率重新記錄`,
  never_metered: ({ vms, count }) =>
    `${count} 台虛擬機（${vms.join(', ')}${count > vms.length ? ` 等` : ''}）於計費期間從未量測：照收服務費，運行時間與流量不明，流量以 0 計`,
  partly_metered: ({ vm, not_metered_ms: notMeteredMs, served_ms: servedMs }) =>
    `虛擬機 ${vm} 在 ${hoursText(servedMs, '小時', '分')} 服務時間中有 ${hoursText(notMeteredMs, '小時', '分')} 未量測`,
  more_partly_metered: ({ count }) => `另有 ${count} 台虛擬機未於全部服務時間量測`,
  needs_review: ({ count, amount, currency }) =>
    `${count} 台虛擬機曾無任何回報，原因尚未認定：未予抵扣；若屬服務商責任，應抵扣 ${amount} ${currency}`,
  not_printable: ({ field, characters, count }) =>
    `${FIELDS[field]}含有 PDF 無法列印、以 □ 表示的字元（${characters.join(' ')}${count > characters.length ? ' …' : ''}）；完整文字見 HTML 與 JSON 格式`,
};

const date: Words['date'] = ({ year, month, dayOfMonth }) => `${year} 年 ${month} 月 ${dayOfMonth} 日`;

export const ZH_HANT: Words = {
  language: 'zh-Hant',
  about: ABOUT,
  formula: FORMULA,
  unit: UNIT,
  reason: REASON,
  note: NOTE,
  causes: CAUSES,
  partsApart: '；',
  itemsApart: '，',
  date,
  month: ({ year, month }) => `${year} 年 ${month} 月`,
  range: (first, last) => (date(first) === date(last) ? date(first) : `${date(first)} – ${date(last)}`),
  shortDate: ({ month, dayOfMonth }) => `${month}/${dayOfMonth}`,
  duration: { h: '小時', min: '分', s: '秒', ms: '毫秒' },
  bytes: '位元組',
  doc: DOC_ZH_HANT,
  refund: REFUND_ZH_HANT,
  statement: STATEMENT_ZH_HANT,
  prices: PRICE_ZH_HANT,
  events: { ...FEES, ip_blocked: 'IP 位址遭封鎖', ip_unusable: 'IP 位址無法使用' },
  labels: {
    invoice: '帳單',
    creditNote: '折讓單',
    preview: '預覽 – 非正式帳單',
    draft: '草稿 – 非正式帳單',
    void: '已作廢 – 無須付款',
    paid: '已付清',
    settled: '已結清',
    open: '未付',
    dueOn: (date) => `${date} 到期`,
    issuedNote: '已開立',
    from: '開立單位',
    billTo: '客戶',
    number: '編號',
    noNumber: '尚未編號',
    issued: '開立日期',
    period: '計費期間',
    due: '付款期限',
    account: '帳戶',
    taxId: '統一編號',
    corrects: '更正對象',
    currency: '幣別',
    vm: '虛擬機',
    item: '項目',
    quantity: '數量',
    unitPrice: '單價',
    amount: '金額',
    subtotal: '小計',
    total: '總計',
    credited: '已折讓',
    paidAmount: '已付',
    outstanding: '應付餘額',
    toPay: '付款方式',
    notes: '備註',
    incomplete: '製作時本期計量尚未完成，金額仍可能變動。',
    incompleteFinal: '製作時本期計量尚未完成；其後發現之差額以折讓單或後續帳單更正。',
    formulas: '計算方式',
    usage: '每日運行時間與流量',
    allVms: (n) => `共 ${n} 台虛擬機`,
    some: (shown, all) =>
      `以下單獨列出 ${all} 台虛擬機中未運行時間最長或流量最大的 ${shown} 台。每台虛擬機的每日數據見本文件的 JSON 格式。`,
    up: '正常運行',
    provider: '中斷：供應商',
    otherCause: '中斷：其他原因',
    silent: '未量測',
    unmetered: '未量測',
    received: '接收',
    sent: '傳送',
    notUp: (time) => `未運行 ${time}`,
    alwaysUp: '全程正常運行',
    upAsMeasured: '量測期間均正常運行',
    notMeasured: (time) => `未量測 ${time}`,
    perDay: (most) => `最高：每日 ${most}`,
    sources: '核對方式',
    sourcesText: '每一行均由其查詢結果得出，查詢結果則由原始樣本得出（樣本於服務保留期內保存）。查詢為 API 路徑。',
    line: '行',
    query: '查詢',
    samples: '原始樣本',
    digests: '雜湊值',
    digestText: '本文件內容與憑證的 SHA-256，可隨時用以核對副本。',
    notFinal: '尚未定稿：沒有編號與雜湊值。',
    content: '內容',
    evidence: '憑證',
    page: (page, pages) => `第 ${page} 頁，共 ${pages} 頁`,
    missing: '無法列印的字元以 □ 表示；完整文字見 HTML 與 JSON 格式。',
    moreDays: (n) => `另有 ${n} 天`,
    capped: '已達上限',
    minutes: (n) => `${n} 分鐘`,
    traffic: (received, sent) => `接收 ${received}，傳送 ${sent}`,
    included: (amount) => `內含 ${amount}`,
  },
};

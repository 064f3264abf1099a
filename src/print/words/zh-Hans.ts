import type { EventKind } from '../../domain/event-kinds.ts';
import type { NotedField } from '../../rating/note.ts';
import type { AboutSay, Sayings } from '../../rating/say.ts';
import { DOC_ZH_HANS } from './doc/zh-Hans.ts';
import { REFUND_ZH_HANS } from './doc/refund-zh-Hans.ts';
import { PRICE_ZH_HANS } from './doc/price-zh-Hans.ts';
import { STATEMENT_ZH_HANS } from './doc/statement-zh-Hans.ts';
import { describe } from './legacy.ts';
import { hoursText, sayIn, sizeName, type Words } from './words.ts';

/** What is printed in simplified Chinese. */
const COUNTING = {
  sum: '接收 + 发送',
  in: '接收',
  out: '发送',
  max: '接收与发送较大者',
} as const;

const FEES: Readonly<Record<EventKind, string>> = {
  payment: '付款',
  refund: '退款',
  terms_violated: '违反条款',
  abuse: '滥用',
  harm: '损害其他用户',
  dispute: '付款争议',
  dispute_closed: '付款争议已结束',
  malicious_trial: '恶意试用',
  withdrawn: '产品下架',
  verification_refused: '拒绝验证',
  suspended: '暂停服务',
  resumed: '恢复服务',
  reminder: '催款',
  expired: '期满',
  ended: '终止服务',
  deletion_due: '待删除',
  credit_claimed: '申请抵免',
  ip_replaced: '更换 IP 地址',
  ip_unusable: '更换无法使用的 IP 地址',
  ip_blocked: '更换被封锁的 IP 地址',
};

const ABOUT: Sayings<AboutSay> = {
  service: ({ plans }) => `服务费，方案 ${plans.join(', ')}`,
  traffic: ({ counting, plan, class: of }) => `${of === undefined ? '' : `“${of}”`}流量（${COUNTING[counting]}），方案 ${plan}`,
  percentile: ({ direction, plan, class: of }) =>
    `${of === undefined ? '' : `“${of}”流量`}第 95 百分位带宽（${direction === 'sum' ? COUNTING.sum : '较大方向'}），方案 ${plan}`,
  flat: ({ plan }) => `固定费用，方案 ${plan}`,
  setup: ({ plan }) => `开通费，方案 ${plan}`,
  minimum: ({ plan }) => `补足方案 ${plan} 的最低消费`,
  maximum: ({ plan }) => `减至方案 ${plan} 的最高费用`,
  add_on: ({ name }) => name,
  discount: ({ name, percent }) => (percent === undefined ? `优惠：${name}` : `优惠 ${percent} %：${name}`),
  credit: ({ minutes }) => `不可用 ${minutes} 分钟之抵免`,
  fee: ({ event }) => `费用：${FEES[event]}`,
  charge: ({ kind, text }) => (kind === 'handling' ? '退款手续费' : text),
  late_fee: ({ invoice }) => `账单 ${invoice} 的滞纳金`,
  late_charges: () => '预付余额不足以支付的每日费用的滞纳金',
  tax: ({ percent, name }) => `${name ?? '税'} ${percent} %`,
  correction: ({ invoice, line, of }) =>
    `更正账单 ${invoice} ${line === null ? '遗漏的项目' : `第 ${line} 行`}：${sayIn(ABOUT, of)}`,
  as_written: ({ text }) => describe(text, 'zh-Hans'),
};

const CHARGED = {
  one_off: '依决定收取',
  quoted: '按报价收取',
  damage: '损害赔偿',
  handling: '退款时扣留的手续费',
} as const;

const FORMULA: Words['formula'] = {
  price_per_day: () => '每个当地日费用 D = P（日价）',
  price_per_hour: () => '每个当地日费用 D = P x 当日小时数（23、24 或 25）',
  price_per_month: () => 'N 天的月份中第 d 天（从 0 起）费用 D = floor(P(d+1)/N) - floor(P d/N)',
  price_per_minute: () => 'M 分钟的日子中第 k 分钟费用 floor(D(k+1)/M) - floor(D k/M)',
  average: () => '单价为平均值',
  credit_by_time: () => '每个当地日分别计算：min(上限 x D, 倍数 x 不可用分钟的价值)',
  credit_by_percent: () => '费用的 min(上限, 每分钟比例 x 不可用分钟数)',
  credit_by_tier: () => '当月费用 x 当月可用率所达级距的比例',
  metered: ({ counting, started_units_whole: whole }) =>
    `（${COUNTING[counting]} - 内含流量，至少为 0）/ 单位流量${whole ? '，不足一单位按一单位计' : ''}`,
  tiers_volume: () => '全部数量按所在级距计价',
  tiers_graduated: () => '各级距分别计价',
  part_of_period: ({ minutes, of }) => `内含流量与各级距按该方案占服务分钟数的比例 ${minutes} / ${of} 计`,
  share_of_minutes: ({ minutes, of }) => `按其占服务分钟数的比例 ${minutes} / ${of} 计`,
  once: () => '首次使用该方案时收取一次',
  up_to_minimum: () => '最低消费 - 该方案各行（已舍入）',
  down_to_maximum: () => '最高费用 - 该方案各行（已舍入）',
  discount_percent: () => '所适用各行（已舍入）在其期间内部分的比例',
  discount_sum: () => '金额按时间计，如价格般分摊到服务的各分钟',
  discount_most: () => '不超过这些行的余额',
  percentile_rank: () => '5 分钟时段流量由小到大第 ceil(0.95 n) 个，无流量时段为 0',
  percentile_rate: () => 'x 8 / 300 秒 / 10^6 x 单价',
  events: () => '需计费的已记录事件数 x 费用',
  charge: ({ kind }) => CHARGED[kind],
  exchanged: ({ amount, currency, rate }) => `${amount} ${currency} x ${rate}`,
  late_days: () => '每个已开始之日起始时的欠款 x 费率',
  late_charge_days: () => '每个已开始之日起始时各笔欠费 x 费率',
  no_fee_on_fees: () => '单利：不对滞纳金再计费',
  tax: () => '以上各行（已舍入）之和 x 税率 / 100',
  correction: () => '该行重新计价结果 -（该行金额 - 先前已冲减金额 + 先前已补收金额）',
  by_hand: () => '依决定退还，税额按各行税率计算',
};

const UNIT: Words['unit'] = {
  day: () => '天',
  minute: () => '分钟',
  event: () => '次',
  period: () => '期',
  piece: () => '项',
  correction: () => '更正',
  bytes: ({ size }) => (size === 1 ? '字节' : (sizeName(size) ?? `${size} 字节`)),
  mbit_per_second: () => 'Mbit/s',
  currency: ({ currency }) => currency,
};

const CAUSES: Words['causes'] = {
  provider: '供应商',
  third_party: '第三方',
  maintenance: '维护',
  force_majeure: '不可抗力',
  attack: '攻击',
  customer: '客户',
  arrears: '欠费',
  silent: '无上报',
};

const REASON: Words['reason'] = {
  incidents: ({ incidents }) =>
    `开具后记录的事件：${incidents.map(({ id, cause, withdrawn }) => `${id} (${CAUSES[cause]}${withdrawn ? '，已撤回' : ''})`).join(', ')}`,
  claims: ({ claims }) => `开具后申请的抵免：${claims.map(({ event, vm }) => `${event} (${vm})`).join(', ')}`,
  restated: () => '开具后样本、事件记录或目录有所更正',
  refund: ({ check, vm, from, until }) => `${vm} 退款，退还期间 ${from} 至 ${until}（退款审核 ${check}）`,
  by_hand: ({ text }) => text,
};

const FIELDS: Readonly<Record<NotedField, string>> = {
  customer_name: '客户名称',
  customer_address: '客户地址',
  customer_tax_id: '客户税号',
  issuer_name: '开具单位名称',
  issuer_address: '开具单位地址',
  issuer_payment: '开具单位的付款方式',
  customer_registration: '客户注册号',
  customer_purchase_order: '客户采购订单号',
  issuer_registration: '开具单位注册号',
  issuer_payment_terms: '开具单位付款条件',
  titles: '方案或虚拟机的名称',
  incident_notes: '事件的说明',
};

const NOTE: Words['note'] = {
  period_not_over: ({ ends_at: endsAt }) => `计费期间至 ${endsAt} 结束，计价时尚未结束`,
  no_issuer: () => '服务器没有开具单位资料（issuer.json）：本文件未载明开具单位、税号与银行',
  event_outside_service: ({ vm, event, kind, at }) =>
    `${vm}：事件 ${event}（${FEES[kind]}，${at}）不在服务期间内，无方案计费；如应收取，请另行开具`,
  event_other_currency: ({ vm, event, fee, fee_currency: of, currency }) =>
    `${vm}：事件 ${event} 每次费用 ${fee} ${of}，账户币种为 ${currency}：请连同汇率重新记录`,
  never_metered: ({ vms, count }) =>
    `${count} 台虚拟机（${vms.join(', ')}${count > vms.length ? ` 等` : ''}）在计费期间从未测量：照收服务费，运行时间与流量不明，流量以 0 计`,
  partly_metered: ({ vm, not_metered_ms: notMeteredMs, served_ms: servedMs }) =>
    `虚拟机 ${vm} 在 ${hoursText(servedMs, '小时', '分')} 服务时间中有 ${hoursText(notMeteredMs, '小时', '分')} 未测量`,
  more_partly_metered: ({ count }) => `另有 ${count} 台虚拟机未在全部服务时间测量`,
  needs_review: ({ count, amount, currency }) =>
    `${count} 台虚拟机曾无任何回报，原因尚未认定：未予抵扣；若属服务商责任，应抵扣 ${amount} ${currency}`,
  not_printable: ({ field, characters, count }) =>
    `${FIELDS[field]}含有 PDF 无法打印、以 □ 表示的字符（${characters.join(' ')}${count > characters.length ? ' …' : ''}）；完整文字见 HTML 与 JSON 格式`,
};

const date: Words['date'] = ({ year, month, dayOfMonth }) => `${year}年${month}月${dayOfMonth}日`;

export const ZH_HANS: Words = {
  language: 'zh-Hans',
  about: ABOUT,
  formula: FORMULA,
  unit: UNIT,
  reason: REASON,
  note: NOTE,
  causes: CAUSES,
  partsApart: '；',
  itemsApart: '，',
  date,
  month: ({ year, month }) => `${year}年${month}月`,
  range: (first, last) => (date(first) === date(last) ? date(first) : `${date(first)} – ${date(last)}`),
  shortDate: ({ month, dayOfMonth }) => `${month}/${dayOfMonth}`,
  duration: { h: '小时', min: '分', s: '秒', ms: '毫秒' },
  bytes: '字节',
  doc: DOC_ZH_HANS,
  refund: REFUND_ZH_HANS,
  statement: STATEMENT_ZH_HANS,
  prices: PRICE_ZH_HANS,
  events: { ...FEES, ip_blocked: 'IP 地址被封锁', ip_unusable: 'IP 地址无法使用' },
  labels: {
    invoice: '账单',
    creditNote: '贷记单',
    preview: '预览 – 非正式账单',
    draft: '草稿 – 非正式账单',
    void: '已作废 – 无须付款',
    paid: '已付清',
    settled: '已结清',
    open: '未付',
    dueOn: (date) => `${date} 到期`,
    issuedNote: '已开具',
    from: '开具单位',
    billTo: '客户',
    number: '编号',
    noNumber: '尚未编号',
    issued: '开具日期',
    period: '计费期间',
    due: '付款期限',
    account: '账户',
    taxId: '税号',
    corrects: '更正对象',
    currency: '币种',
    vm: '虚拟机',
    item: '项目',
    quantity: '数量',
    unitPrice: '单价',
    amount: '金额',
    subtotal: '小计',
    total: '总计',
    credited: '已冲减',
    paidAmount: '已付',
    outstanding: '应付余额',
    toPay: '付款方式',
    notes: '备注',
    incomplete: '制作时本期计量尚未完成，金额仍可能变动。',
    incompleteFinal: '制作时本期计量尚未完成；其后发现的差额以贷记单或后续账单更正。',
    formulas: '计算方式',
    usage: '每日运行时间与流量',
    allVms: (n) => `共 ${n} 台虚拟机`,
    some: (shown, all) =>
      `以下单独列出 ${all} 台虚拟机中未运行时间最长或流量最大的 ${shown} 台。每台虚拟机的每日数据见本文件的 JSON 格式。`,
    up: '正常运行',
    provider: '中断：供应商',
    otherCause: '中断：其他原因',
    silent: '未测量',
    unmetered: '未测量',
    received: '接收',
    sent: '发送',
    notUp: (time) => `未运行 ${time}`,
    alwaysUp: '全程正常运行',
    upAsMeasured: '测量期间均正常运行',
    notMeasured: (time) => `未测量 ${time}`,
    perDay: (most) => `最高：每日 ${most}`,
    sources: '核对方式',
    sourcesText: '每一行均由其查询结果得出，查询结果则由原始样本得出（样本在服务保留期内保存）。查询为 API 路径。',
    line: '行',
    query: '查询',
    samples: '原始样本',
    digests: '哈希值',
    digestText: '本文件内容与凭证的 SHA-256，可随时用以核对副本。',
    notFinal: '尚未定稿：没有编号与哈希值。',
    content: '内容',
    evidence: '凭证',
    page: (page, pages) => `第 ${page} 页，共 ${pages} 页`,
    missing: '无法打印的字符以 □ 表示；完整文字见 HTML 与 JSON 格式。',
    moreDays: (n) => `另有 ${n} 天`,
    capped: '已达上限',
    minutes: (n) => `${n} 分钟`,
    traffic: (received, sent) => `接收 ${received}，发送 ${sent}`,
    included: (amount) => `内含 ${amount}`,
  },
};

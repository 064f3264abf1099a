import type { RefundWords } from './refund-words.ts';

const BOUNDS = { at_least: '至少', more_than: '超過', at_most: '至多', less_than: '少於' } as const;
const SINCE = { payment: '付款', start: '服務開始' } as const;
const MISSING = { payment: '沒有付款紀錄', start: '沒有服務開始之紀錄', samples: '沒有此虛擬機的樣本' } as const;
const DATES = { paid_until: '付費至何時', paid_at: '何時付款' } as const;

export const REFUND_ZH_HANT: RefundWords = {
  title: '退款決定',
  decision: { eligible: '可退款', not_eligible: '不可退款', needs_review: '須人工審查' },
  refund: '退款金額',
  heading: '決定',
  at: '基準時間',
  decidedOn: '決定日期',
  terms: '條款',
  version: (title, version) => `${title}，第 ${version} 版`,
  reason: {
    applies: ({ ground }) => `應予退款：理由「${ground}」成立，且無任何排除事由。`,
    open: ({ ground }) => `理由「${ground}」是否成立取決於尚不明確之事實，須由人員判斷。`,
    unpriced: ({ ground }) => `理由「${ground}」成立，但無法計算其金額：付款、金額、付費期間或方案未記錄。須由人員判斷。`,
    not_paid: ({ ground }) => `理由「${ground}」成立，但當時尚未付款。`,
    nothing_left: ({ ground }) => `理由「${ground}」成立，但已無可退金額。`,
    no_ground: () => '不予退款：沒有理由成立，或成立之理由遭排除。',
  },
  destination: { balance: '款項退回帳戶餘額。', original_payment: '款項按原付款方式退回。' },
  whatIf: '此為假設查詢：所適用者並非此虛擬機約定之條款，不產生任何效果。',
  nothingPaid: '本文件本身不支付任何款項。',
  grounds: '退款理由',
  bars: '排除事由',
  noGrounds: '此條款沒有退款理由。',
  rule: '條款規定',
  measured: '實測',
  limit: '限值',
  outcome: '結果',
  ground: { pass: '成立', fail: '不成立', unknown: '不明' },
  bar: { pass: '無妨礙', fail: '排除退款', unknown: '不明' },
  only: (grounds) => `僅排除：${grounds}`,
  value: (said, { time, bytes, causes, kinds }) => {
    switch (said.code) {
      case 'elapsed':
        return said.before ? `${SINCE[said.since]}之前 ${time(said.ms)}` : `自${SINCE[said.since]}起 ${time(said.ms)}`;
      case 'not_recorded':
        return `不明：${MISSING[said.what]}`;
      case 'outage':
        return [
          `最長中斷（${causes(said.causes)}）${time(said.ms)}`,
          ...(said.judged_ms > 0 ? [`含須由人員判斷原因之時間（${causes(said.unsure)}）${time(said.judged_ms)}`] : []),
          ...(said.other_ms > 0 ? [`其他原因最長 ${time(said.other_ms)}`] : []),
        ].join('；');
      case 'bytes':
        return bytes(said.bytes);
      case 'events':
        return [
          `${said.account ? '帳戶' : ''}已記錄 ${said.count} 次（${kinds(said.kinds)}）`,
          ...(said.missing === null ? [] : [`不明：${DATES[said.missing]}`]),
        ].join('；');
      case 'promotion':
        return said.sold ? '以促銷價售出' : '非以促銷價售出';
      case 'grounds':
        return `${said.count} 項理由成立`;
    }
  },
  bound: (said, { time, bytes, kinds }) => {
    switch (said.code) {
      case 'time':
        return `${BOUNDS[said.bound]} ${time(said.ms)}`;
      case 'outage':
        return `${BOUNDS[said.bound]} ${time(said.ms)}${said.within_ms === null ? '' : `，於付款後 ${time(said.within_ms)} 內`}`;
      case 'bytes':
        return `${BOUNDS[said.bound]} ${bytes(said.bytes)}`;
      case 'events':
        return `${BOUNDS[said.bound]} ${said.count} 次（${kinds(said.kinds)}）${said.before_expiry ? '，於付費期滿前' : ''}`;
      case 'promotion':
        return '以促銷價售出';
      case 'grounds':
        return '至少 1 項理由';
    }
  },
  calculation: '金額之計算',
  basis: { full: '全部已付金額', remaining: '尚未使用之付費時間的價值' },
  paidAmount: '已付金額',
  paidFor: '付費期間',
  share: '比例',
  handlingFee: '扣除手續費',
  refundedBefore: '先前已退',
  evidence: '量測依據',
  samplesBetween: (n, from, to) => `${n} 個，自 ${from} 至 ${to}`,
  noSamples: '無',
  meteredTo: '已量測至',
  range: '審查期間',
  samples: '原始樣本',
  traffic: '付款以來之流量',
  events: '已記錄之事件',
  outages: '中斷',
  noOutages: '無',
  outage: (time, cause, length) => `${time}，${cause}：${length}`,
  openOutage: (from, cause) => `自 ${from} 起，${cause}：仍在持續`,
  check: (id) => `本決定之 JSON 格式（編號 ${id}）載有完整條款、各項事實與全部中斷。`,
};
